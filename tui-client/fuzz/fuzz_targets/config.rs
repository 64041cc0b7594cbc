//! See `awesomestock::checks::config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::checks::config(data));
