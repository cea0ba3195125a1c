"""AdminService, the part about devices: which there are, what they are owed, and forgetting one. Operators only."""

from collections.abc import Callable

from chatd.control.admin_service import limit_of
from chatd.core.ids import check_id, topic_of
from chatd.core.model import Device
from chatd.core.online import OnlineTable
from chatd.default.answer import Answer, Caller, Method, Read, Write, parse
from chatd.pb.admin.v1 import admin_pb2
from chatd.store.commands import ForgetDevice
from chatd.store.queries import ListDevices


class DeviceService:
    """``tell_epoch`` closes a topic's streams that are older than the given epoch."""

    def __init__(self, *, online: OnlineTable, tell_epoch: Callable[[bytes, int], None]) -> None:
        self._online = online
        self._tell_epoch = tell_epoch
        self.methods: dict[str, Method] = {
            "AdminService/ListDevices": self.list_devices,
            "AdminService/ForgetDevice": self.forget_device,
        }

    def list_devices(self, caller: Caller, payload: bytes) -> Answer:
        caller.require_operator()
        request = parse(admin_pb2.ListDevicesRequest, payload)

        def then(page: tuple[tuple[Device, ...], bool]) -> admin_pb2.ListDevicesResponse:
            return admin_pb2.ListDevicesResponse(devices=map(self._to_pb, page[0]), more=page[1])

        after = (request.after_profile_id, request.after_device_id)
        return Read(ListDevices(request.profile_id, request.device_id, after, limit_of(request.limit)), then)

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

    def forget_device(self, caller: Caller, payload: bytes) -> Answer:
        """Its stream is superseded by nothing: the device has to be told to begin anew by a person."""
        caller.require_operator()
        request = parse(admin_pb2.ForgetDeviceRequest, payload)
        profile_id, device_id = check_id("profile_id", request.profile_id), check_id("device_id", request.device_id)

        def then(epoch: int) -> admin_pb2.ForgetDeviceResponse:
            if epoch:
                self._tell_epoch(topic_of(profile_id, device_id), epoch + 1)
            return admin_pb2.ForgetDeviceResponse(forgotten=epoch > 0)

        return Write(ForgetDevice(profile_id, device_id), then)
