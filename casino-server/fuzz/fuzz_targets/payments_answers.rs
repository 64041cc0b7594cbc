//! See `casino_server::checks::payments_answers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| casino_server::checks::payments_answers(data));
