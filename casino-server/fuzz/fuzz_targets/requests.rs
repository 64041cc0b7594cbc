//! See `casino_server::checks::requests`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| casino_server::checks::requests(data));
