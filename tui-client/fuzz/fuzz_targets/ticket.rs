//! See `awesomestock::testkit::ticket`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| awesomestock::testkit::ticket(data));
