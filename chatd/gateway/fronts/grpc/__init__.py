"""The gRPC front. grpcio is imported here alone, and only where GRPC_URI is set; its loop is the
gateway's, the only one in the process."""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its lines are no log of ours, and quote strangers
