"""Taking part in a room, which shows that a member wants to be there: strangers may put anybody
into a room. A room learns when a member's devices are there, by presence and by deliveries to them,
only once the member takes part: it made the room, or has written or read there. A role shows
nothing: others give it."""


def takes_part_sql(subscription: str) -> str:
    """The profile of a row of subscription, by that name, takes part since the membership began: a
    look-up by key in each of three tables. An event that it wrote counts as long as it is kept."""
    return f"""({subscription}.joined_seq = 1 AND EXISTS (
                    SELECT 1
                    FROM room own_room
                    WHERE own_room.room_id = {subscription}.room_id
                        AND own_room.created_by = {subscription}.profile_id)
                OR EXISTS (
                    SELECT 1
                    FROM read_marker own_marker
                    WHERE own_marker.profile_id = {subscription}.profile_id
                        AND own_marker.room_id = {subscription}.room_id
                        AND own_marker.seq >= {subscription}.joined_seq)
                OR EXISTS (
                    SELECT 1
                    FROM room_event own_event
                    WHERE own_event.room_id = {subscription}.room_id
                        AND own_event.sender_id = {subscription}.profile_id
                        AND own_event.seq >= {subscription}.joined_seq))"""
