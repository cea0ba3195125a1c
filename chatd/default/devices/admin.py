"""AdminService's calls about devices and their connections."""

from collections.abc import Callable

from chatd.core.ids import check_id, topic_of
from chatd.core.online import OnlineTable
from chatd.default.answer import Answer, Call, Caller, Read, Role, Write
from chatd.default.devices.connection_cache import ConnectionCache
from chatd.default.devices.model import Device
from chatd.default.devices.store import ForgetDevice, ListDevices
from chatd.default.limits import page_limit
from chatd.default.part import Part
from chatd.pb.admin.v1 import admin_pb2


class DeviceAdmin:
    """``tell_epoch`` closes a topic's streams that are older than the given epoch."""

    def __init__(
        self, online: OnlineTable, cache: ConnectionCache, tell_epoch: Callable[[bytes, int], None]
    ) -> None:
        self._online = online
        self._cache = cache
        self._tell_epoch = tell_epoch
        self.part = Part(
            calls=(
                Call("AdminService/ListDevices", admin_pb2.ListDevicesRequest, Role.READ, self.list_devices),
                Call(
                    "AdminService/ForgetDevice",
                    admin_pb2.ForgetDeviceRequest,
                    Role.OPERATE,
                    self.forget_device,
                ),
                Call(
                    "AdminService/ListConnections",
                    admin_pb2.ListConnectionsRequest,
                    Role.READ,
                    self.list_connections,
                ),
            )
        )

    def list_devices(self, caller: Caller, request: admin_pb2.ListDevicesRequest) -> Answer:
        """Devices by profile and id."""

        def then(page: tuple[tuple[Device, ...], bool]) -> admin_pb2.ListDevicesResponse:
            return admin_pb2.ListDevicesResponse(devices=map(self._to_pb, page[0]), more=page[1])

        after = (request.after_profile_id, request.after_device_id)
        return Read(
            ListDevices(request.profile_id, request.device_id, after, page_limit(request.limit)), then
        )

    def _to_pb(self, device: Device) -> admin_pb2.Device:
        return admin_pb2.Device(
            profile_id=device.profile_id,
            device_id=device.device_id,
            epoch=device.epoch,
            created_at_us=device.created_at_us,
            seen_at_us=device.seen_at_us,
            online=topic_of(device.profile_id, device.device_id) in self._online,
            owed=device.owed,
            rooms_owed=device.rooms_owed,
            notifier=device.notifier,
        )

    def forget_device(self, caller: Caller, request: admin_pb2.ForgetDeviceRequest) -> Answer:
        """Delete a device. Its stream is closed as superseded, so that it does not come back by
        itself."""
        profile_id, device_id = (
            check_id("profile_id", request.profile_id),
            check_id("device_id", request.device_id),
        )

        def after(epoch: int) -> None:
            if epoch:
                self._tell_epoch(topic_of(profile_id, device_id), epoch + 1)

        def then(epoch: int) -> admin_pb2.ForgetDeviceResponse:
            return admin_pb2.ForgetDeviceResponse(forgotten=epoch > 0)

        return Write(ForgetDevice(profile_id, device_id), then, after)

    def list_connections(self, caller: Caller, request: admin_pb2.ListConnectionsRequest) -> Answer:
        """Devices that are connected."""
        after = (request.after_profile_id, request.after_device_id)
        return self._cache.list(request.profile_id, page_limit(request.limit), after)
