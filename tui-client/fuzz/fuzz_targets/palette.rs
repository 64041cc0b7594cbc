//! See `awesomestock::testkit::palette`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::testkit::palette(data));
