//! See `awesomestock::checks::ticket`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::checks::ticket(data));
