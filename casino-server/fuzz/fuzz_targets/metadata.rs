//! See `casino_server::checks::metadata`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| casino_server::checks::metadata(data));
