//! See `awesomestock::checks::recording`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::checks::recording(data));
