//! See `payments_server::testkit::statement`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| payments_server::testkit::statement(data));
