"""AdminService's calls about running processes and their streams: each asks the processes that it
is about, and joins their answers."""

from collections.abc import Callable, Sequence

from google.protobuf.message import Message

from chatd.core.ids import check_id
from chatd.default.answer import Answer, Call, Caller, CallStore, Later, Refuse, Respond, Role
from chatd.default.limits import page_limit
from chatd.default.nodes.processes import Process, Processes
from chatd.default.part import Part
from chatd.errors import InvalidArgument, TimedOut
from chatd.pb.admin.v1 import admin_pb2


class ProcessAdmin:
    """A call that changes something is no write, and has an audit line all the same."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self.part = Part(
            calls=(
                Call(
                    "AdminService/KickConnections",
                    admin_pb2.KickConnectionsRequest,
                    Role.OPERATE,
                    self.kick_connections,
                    is_act=True,
                ),
                Call("AdminService/ListStreams", admin_pb2.ListStreamsRequest, Role.READ, self.list_streams),
                Call("AdminService/TraceStream", admin_pb2.TraceStreamRequest, Role.READ, self.trace_stream),
                Call(
                    "AdminService/DrainProcess",
                    admin_pb2.DrainProcessRequest,
                    Role.OPERATE,
                    self.drain_process,
                    is_act=True,
                ),
                Call(
                    "AdminService/ResumeProcess",
                    admin_pb2.ResumeProcessRequest,
                    Role.OPERATE,
                    self.resume_process,
                    is_act=True,
                ),
                Call(
                    "AdminService/SetLogLevel",
                    admin_pb2.SetLogLevelRequest,
                    Role.OPERATE,
                    self.set_log_level,
                    is_act=True,
                ),
                Call(
                    "AdminService/InspectProcesses",
                    admin_pb2.InspectProcessesRequest,
                    Role.READ,
                    self.inspect_processes,
                ),
                Call(
                    "AdminService/ReloadSettings",
                    admin_pb2.ReloadSettingsRequest,
                    Role.OPERATE,
                    self.reload_settings,
                    is_act=True,
                ),
            )
        )

    def kick_connections(self, caller: Caller, request: admin_pb2.KickConnectionsRequest) -> Answer:
        """End streams, at whichever gateways they are."""
        check_id("profile_id", request.profile_id)
        if request.device_id:
            check_id("device_id", request.device_id)
        return self._ask(caller, self._processes.gateways(), request, admin_pb2.KickConnectionsResponse())

    def list_streams(self, caller: Caller, request: admin_pb2.ListStreamsRequest) -> Answer:
        """The streams of one gateway or of all, the laggards first."""
        limit = page_limit(request.limit)
        processes = self._processes.gateways()
        if request.gateway_id:
            processes = self._processes.named(gateway_id=request.gateway_id, node_id="")
        answer = admin_pb2.ListStreamsResponse()

        def in_order() -> None:
            answer.streams.sort(key=lambda one: (not one.catching_up, -one.in_flight))
            answer.more = answer.more or len(answer.streams) > limit
            del answer.streams[limit:]

        return self._ask(caller, processes, request, answer, in_order)

    def trace_stream(self, caller: Caller, request: admin_pb2.TraceStreamRequest) -> Answer:
        """The frames of one device that came since the last call."""
        for name in ("profile_id", "device_id", "trace_id"):
            check_id(name, getattr(request, name))
        answer = admin_pb2.TraceStreamResponse()

        def in_order() -> None:
            answer.frames.sort(key=lambda frame: frame.at_us)

        return self._ask(caller, self._processes.gateways(), request, answer, in_order)

    def drain_process(self, caller: Caller, request: admin_pb2.DrainProcessRequest) -> Answer:
        """Take a gateway or a default node out of service. The last default node stays."""
        named = self._processes.named(gateway_id=request.gateway_id, node_id=request.node_id)
        if request.node_id and not self._processes.serve_besides(request.node_id):
            raise InvalidArgument(
                "it is the only default node that serves: without it nobody is served; stop it instead"
            )
        return self._ask(caller, named, request, admin_pb2.DrainProcessResponse())

    def resume_process(self, caller: Caller, request: admin_pb2.ResumeProcessRequest) -> Answer:
        """Let it serve again."""
        named = self._processes.named(gateway_id=request.gateway_id, node_id=request.node_id)
        return self._ask(caller, named, request, admin_pb2.ResumeProcessResponse())

    def set_log_level(self, caller: Caller, request: admin_pb2.SetLogLevelRequest) -> Answer:
        """Set, or only tell, the level of one process or all."""
        return self._ask(
            caller,
            self._chosen(request.gateway_id, request.node_id),
            request,
            admin_pb2.SetLogLevelResponse(),
        )

    def inspect_processes(self, caller: Caller, request: admin_pb2.InspectProcessesRequest) -> Answer:
        """Look at the machines of all processes."""
        return self._ask(caller, self._processes.all(), request, admin_pb2.InspectProcessesResponse())

    def reload_settings(self, caller: Caller, request: admin_pb2.ReloadSettingsRequest) -> Answer:
        """Reload one process or all."""
        return self._ask(
            caller,
            self._chosen(request.gateway_id, request.node_id),
            request,
            admin_pb2.ReloadSettingsResponse(),
        )

    def _chosen(self, gateway_id: str, node_id: str) -> list[Process]:
        if not gateway_id and not node_id:
            return self._processes.all()
        return self._processes.named(gateway_id=gateway_id, node_id=node_id)

    def _ask(
        self,
        caller: Caller,
        processes: Sequence[Process],
        request: Message,
        response: Message,
        finish: Callable[[], None] = lambda: None,
    ) -> Answer:
        """The answers joined into ``response``: their lists follow each other. It names those that
        gave none, if it has a field for them."""
        method = f"AdminService/{request.DESCRIPTOR.name.removesuffix('Request')}"

        def begin(store: CallStore, respond: Respond, refuse: Refuse) -> None:
            def then(answers: Sequence[bytes], silent: Sequence[Process]) -> None:
                for answer in answers:
                    response.MergeFromString(answer)
                if "silent" in response.DESCRIPTOR.fields_by_name:
                    getattr(response, "silent").extend(one.name for one in silent)  # noqa: B009  of some
                elif silent:
                    refuse(TimedOut(f"{silent[0].name} did not answer; the outcome is unknown"))
                    return
                finish()
                respond(response)

            self._processes.ask(caller, processes, method, request.SerializeToString(), then, refuse)

        return Later(begin)
