//! See `awesomestock::checks::palette`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::checks::palette(data));
