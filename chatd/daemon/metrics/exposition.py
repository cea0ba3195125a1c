"""The metrics of a process's parts, as prometheus_client shows them. They are read when somebody
asks: counting costs nothing more than before."""

import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from chatd.core.counter import Counter
from chatd.core.metric import BUCKETS, Gauge, StageTimes
from chatd.core.metric import Metric as PartMetric

PREFIX = "chatd_"
_BOUNDS = (*map(floatToGoString, BUCKETS), "+Inf")


class PartsCollector(Collector):
    """``metrics`` are those of all parts, ``about`` says which process this is."""

    def __init__(self, metrics: Sequence[PartMetric], about: Mapping[str, str]) -> None:
        self._singles = [one for one in metrics if not isinstance(one, StageTimes)]
        self._times = [one for one in metrics if isinstance(one, StageTimes)]
        self._about = about
        self._started_at = time.time()

    def collect(self) -> Iterator[Metric]:
        about = GaugeMetricFamily(f"{PREFIX}info", "The process: always 1.", labels=list(self._about))
        about.add_metric(list(self._about.values()), 1)
        yield about
        for one in self._singles:
            yield _counter(one) if isinstance(one, Counter) else _gauge(one)
        yield self._stages()
        yield from self._process()

    def _stages(self) -> Metric:
        meanings = "; ".join(f"{one.stage}: {one.meaning}" for one in self._times)
        family = HistogramMetricFamily(
            f"{PREFIX}stage_seconds", f"Seconds that each stage takes. {meanings}", labels=["stage"]
        )
        for one in self._times:
            buckets = list(zip(_BOUNDS, accumulate(one.counts), strict=True))
            family.add_metric([one.stage], buckets, one.total)
        return family

    def _process(self) -> Iterator[Metric]:
        """As prometheus_client's own collector, which finds nothing under ProcSubset=pid."""
        yield CounterMetricFamily(
            "process_cpu_seconds", "CPU time of all threads in seconds.", time.process_time()
        )
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        yield GaugeMetricFamily(
            "process_resident_memory_bytes", "Resident memory in bytes.", pages * resource.getpagesize()
        )
        yield GaugeMetricFamily(
            "process_start_time_seconds", "When the process began to serve.", self._started_at
        )
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield GaugeMetricFamily("process_max_fds", "Limit of open files.", descriptors)


def _counter(counter: Counter) -> Metric:
    return CounterMetricFamily(PREFIX + counter.name, f"Counts {counter.meaning}.", counter.value)


def _gauge(gauge: Gauge) -> Metric:
    family = GaugeMetricFamily(
        PREFIX + gauge.name, f"{gauge.meaning[:1].upper()}{gauge.meaning[1:]}.", labels=gauge.labels
    )
    reading = gauge.read()
    if isinstance(reading, Mapping):
        for values, value in reading.items():
            family.add_metric(values, value)
    elif reading is not None:
        family.add_metric((), reading)
    return family


class Exposition:
    """``show`` gives all metrics as text."""

    def __init__(self, metrics: Sequence[PartMetric], about: Mapping[str, str]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(PartsCollector(metrics, about))

    def show(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type, by what the caller accepts."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type
