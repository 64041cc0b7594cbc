//! See `casino_server::testkit::fuzzing::payments_answers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| casino_server::testkit::fuzzing::payments_answers(data));
