//! Semantics of Sigma, one test per row.
