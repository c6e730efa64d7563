//! A plain evaluator to compare with.
