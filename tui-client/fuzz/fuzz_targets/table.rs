//! See `awesomestock::checks::table`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::checks::table(data));
