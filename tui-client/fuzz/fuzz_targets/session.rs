//! See `awesomestock::testkit::session`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::testkit::session(data));
