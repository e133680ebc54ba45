//! The API's protobuf types, their conversions, and refusals as statuses.
