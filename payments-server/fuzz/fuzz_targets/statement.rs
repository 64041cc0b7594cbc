//! See `payments_server::checks::statement`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| payments_server::checks::statement(data));
