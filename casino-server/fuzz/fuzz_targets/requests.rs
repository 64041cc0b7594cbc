//! See `casino_server::testkit::fuzzing::requests`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| casino_server::testkit::fuzzing::requests(data));
