"""What Schemathesis does not know by itself: session descriptions are sent as plain text is."""

import schemathesis

schemathesis.serializer.alias(["application/sdp", "application/trickle-ice-sdpfrag"], "text/plain")
