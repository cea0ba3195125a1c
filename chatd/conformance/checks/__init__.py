"""The checks, each named as its statement in proto/PROTOCOL.md."""

from chatd.conformance.check import Check, Level
from chatd.conformance.checks import (
    calls,
    ends,
    heartbeats,
    hello,
    logs,
    markers,
    order,
    restart,
    unknown,
    windows,
)

MUST, SHOULD = Level.MUST, Level.SHOULD

CHECKS = (
    Check("S1", "a Hello comes first, and nothing before its Welcome", MUST, hello.comes_first),
    Check(
        "S2-302", "a Hello that was refused for good is not repeated", MUST, hello.is_not_said_again_after_302
    ),
    Check(
        "S2-606", "a Hello that came too early waits for retry_after_ms", MUST, hello.is_said_again_after_606
    ),
    Check(
        "I2", "a Welcome and a Closed of another Hello are ignored", MUST, hello.ignores_a_welcome_of_another
    ),
    Check("I3", "a Closed(104) of an earlier frame is ignored", MUST, hello.ignores_104_while_it_waits),
    Check("T7", "a PING is answered", MUST, heartbeats.pings_are_answered),
    Check("T9", "other gateways are remembered", SHOULD, heartbeats.goes_where_the_welcome_said),
    Check("W4", "an Ack comes before the window is full", MUST, windows.acknowledges_before_it_is_full),
    Check(
        "W4-soon", "a single delivery is acknowledged in a moment", SHOULD, windows.acknowledges_in_a_moment
    ),
    Check(
        "W5", "an Ack comes before the bytes are full", MUST, windows.acknowledges_before_its_bytes_are_full
    ),
    Check("W6", "a delivery larger than the window is taken", MUST, windows.takes_one_that_is_larger),
    Check("W7", "urgent events beyond the window are taken", MUST, windows.takes_urgent_ones_beyond_it),
    Check("O1", "rooms are kept apart", MUST, order.keeps_rooms_apart),
    Check("O2", "a hole is not waited for", MUST, order.does_not_wait_for_a_hole),
    Check("O3", "repeats of another connection are dropped", MUST, order.drops_repeats_of_another_connection),
    Check("R2", "repeats of the same connection count", MUST, order.counts_repeats_of_the_same_connection),
    Check(
        "O10",
        "a new device may begin with a marker and older events",
        MUST,
        markers.a_new_device_begins_behind_them,
    ),
    Check("R7", "markers are counted, shown and recorded", MUST, markers.are_counted_and_recorded),
    Check("R8", "replays are shown, and move nothing", MUST, markers.replays_are_shown),
    Check(
        "R8-repeat", "a replay that comes again is dropped", MUST, markers.a_replay_that_comes_again_is_not
    ),
    Check(
        "R8-later", "a replay after an acknowledged one is shown", MUST, markers.a_later_replay_is_shown_again
    ),
    Check("D1", "what was acknowledged is on disk", MUST, restart.keeps_what_it_acknowledged),
    Check("D1-kill", "a kill -9 loses nothing", MUST, restart.shows_what_it_did_not_acknowledge),
    Check("L2", "another log: all is shown", MUST, logs.another_name),
    Check("L2-restart", "another log after a restart: all is shown", MUST, logs.another_name_after_a_restart),
    Check("L3", "a Hello names the newest event shown", SHOULD, restart.names_the_newest_event),
    Check("L5", "a log that was rewound: all is shown", MUST, logs.rewound),
    Check("L7", "who asks what was lost says what was shown", MUST, logs.what_was_lost),
    Check("H1", "something is said each interval", MUST, heartbeats.come_in_time),
    Check("H3", "a silent gateway is given up", MUST, heartbeats.give_a_silent_gateway_up),
    Check(
        "H3-dies",
        "a connection that ended is noticed at once",
        SHOULD,
        heartbeats.comes_again_when_the_gateway_dies,
    ),
    Check("H5", "a stream that was taken over is not taken back", MUST, ends.superseded),
    Check("H6", "a gateway that stops is left for those it names", SHOULD, ends.draining),
    Check("H6-608", "a stream that an operator ended is opened again", SHOULD, ends.kicked),
    Check("H7", "attempts to connect have pauses", MUST, heartbeats.attempts_have_pauses),
    Check("H8", "an end is said, behind the last Ack", SHOULD, restart.says_bye),
    Check("H10", "each Hello has a higher ordinal than the last", SHOULD, hello.has_a_higher_ordinal),
    Check("H10-609", "a Hello that came too late is said again with no ordinal", MUST, hello.was_overtaken),
    Check("E1-104", "a stream that is gone is opened again", MUST, ends.no_stream),
    Check("E1-200", "a token that is no good is not shown again", MUST, ends.unauthenticated),
    Check("E1-501", "a Hello that no node took is repeated", MUST, ends.unavailable),
    Check("E2", "a frame that was refused is no end of the stream", MUST, ends.a_refused_frame_is_no_end),
    Check("E5", "an unknown code with retry: come again", MUST, ends.retry_true),
    Check("E5-stop", "an unknown code without retry: stop", MUST, ends.retry_false),
    Check("L6", "a stream the database does not know is opened again", MUST, ends.stream_unknown),
    Check("V1", "unknown fields and frames are passed over", MUST, unknown.fields_and_frames_are_passed_over),
    Check("V2", "events of unknown types are counted", MUST, unknown.types_are_counted),
    Check("G2", "signals are not counted", MUST, unknown.signals_are_not_counted),
    Check("Z2", "compressed payloads are read", MUST, unknown.compressed_payloads_are_read),
    Check("C4", "a call has a deadline", MUST, calls.have_a_deadline),
    Check("C6", "a send is repeated with the same ids", MUST, calls.are_repeated_with_the_same_ids),
    Check("C7", "a call is repeated with the same request_id", MUST, calls.are_made_once),
    Check("C9", "each event has an id of its own", SHOULD, calls.have_ids_of_their_own),
    Check("C10", "sends keep their order", MUST, calls.are_sent_in_order),
    Check(
        "C11", "sends keep their order when one is refused", MUST, calls.keep_their_order_when_one_is_refused
    ),
    Check("E1-401", "a call that was refused for good is not repeated", MUST, calls.are_refused_for_good),
)
"""In the order in which they are run and listed."""
