//! See `awesomestock::testkit::recording`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::testkit::recording(data));
