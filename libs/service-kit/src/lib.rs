//! What every service process needs: config, telemetry, shutdown, clock, principals, gRPC server.
