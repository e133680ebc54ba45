//! End-to-end, simulation and tidiness tests of the whole workspace.
