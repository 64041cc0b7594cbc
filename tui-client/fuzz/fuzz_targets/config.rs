//! See `awesomestock::testkit::config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::testkit::config(data));
