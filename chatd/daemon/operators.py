"""The calls of operators that are about a whole process: the level of its log, its settings, and
its machine."""

import asyncio
from typing import Any

import structlog

from chatd.daemon.inspection import inspect
from chatd.daemon.logs import LEVELS, configure, level_in_force
from chatd.daemon.reload import Reload
from chatd.daemon.settings import Settings
from chatd.errors import InvalidArgument
from chatd.pb.admin.v1.admin_pb2 import (
    InspectProcessesRequest,
    InspectProcessesResponse,
    ProcessLogLevel,
    ProcessReload,
    ReloadSettingsRequest,
    ReloadSettingsResponse,
    SetLogLevelRequest,
    SetLogLevelResponse,
)
from chatd.transport.process_calls import ProcessCall

log = structlog.get_logger()


class OperatorCalls:
    """Rows for each half of the process."""

    def __init__(self, settings: Settings, reload: Reload) -> None:
        self._settings = settings
        self._reload = reload

    @property
    def rows(self) -> tuple[ProcessCall[Any], ...]:
        return (
            ProcessCall("AdminService/SetLogLevel", SetLogLevelRequest, self.set_log_level),
            ProcessCall("AdminService/InspectProcesses", InspectProcessesRequest, self.inspect_processes),
            ProcessCall("AdminService/ReloadSettings", ReloadSettingsRequest, self.reload_settings),
        )

    async def set_log_level(self, request: SetLogLevelRequest) -> SetLogLevelResponse:
        """Set the level, if one is given, and tell it. Raises InvalidArgument."""
        before = level_in_force()
        if request.level and request.level not in LEVELS:
            raise InvalidArgument(f"level {request.level[:20]!a} is none of {', '.join(LEVELS)}")
        if request.level and request.level != before:
            configure(request.level, self._settings.logs.log_format)
            log.info("An operator has set the log's level", level=request.level, before=before)
        one = ProcessLogLevel(
            node_id=self._settings.node.node_id,
            kind=self._settings.mode,
            level=level_in_force(),
            before=before,
        )
        return SetLogLevelResponse(processes=[one])

    async def inspect_processes(self, request: InspectProcessesRequest) -> InspectProcessesResponse:
        """Look at the process and its machine."""
        return InspectProcessesResponse(processes=[await asyncio.to_thread(inspect, self._settings)])

    async def reload_settings(self, request: ReloadSettingsRequest) -> ReloadSettingsResponse:
        """Reload, as at SIGHUP."""
        done = await self._reload()
        one = ProcessReload(
            node_id=self._settings.node.node_id,
            kind=self._settings.mode,
            changed=done.changed,
            at_next_start=done.at_next_start,
            streams_ended=done.streams_ended,
            faults=done.faults,
        )
        return ReloadSettingsResponse(processes=[one])
