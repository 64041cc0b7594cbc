//! Takes an encoded message apart: field numbers, wire types, bytes and text format. Names come from the protocol's own
//! descriptors.

use std::ops::Range;
use std::sync::LazyLock;

use awesomestock_proto::casino::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};

use super::{MessageBytes, WireFrame};

/// A line of a message in text format, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldLine {
    /// Nesting, from 0.
    pub depth: usize,
    /// Number and wire type, as in `2 LEN 28`; empty for the end of a message, and for bytes that are not a field.
    pub field: String,
    /// Positions in the message. Of a nested message: tag and length.
    pub bytes: Range<usize>,
    /// The line in text format.
    pub text: String,
}

static SCHEMA: LazyLock<FileDescriptorSet> =
    LazyLock::new(|| FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default());

/// Returns a message by its full name: `.package.Name`.
fn message_type(full_name: &str) -> Option<&'static DescriptorProto> {
    let (files, name) = package_of(full_name)?;
    let mut messages = files.flat_map(|file| &file.message_type);
    messages.find(|message| message.name() == name)
}

/// Returns an enum by its full name.
fn enum_type(full_name: &str) -> Option<&'static EnumDescriptorProto> {
    let (files, name) = package_of(full_name)?;
    let mut enums = files.flat_map(|file| &file.enum_type);
    enums.find(|kind| kind.name() == name)
}

/// Returns the files of the package of a full name, and the name in it.
fn package_of(full_name: &str) -> Option<(impl Iterator<Item = &'static FileDescriptorProto>, &str)> {
    let (package, name) = full_name.strip_prefix('.')?.rsplit_once('.')?;
    let files = SCHEMA.file.iter().filter(move |file| file.package() == package);
    Some((files, name))
}

/// Takes the message of a frame apart; empty for other frames.
pub fn dissect(frame: &WireFrame) -> Vec<FieldLine> {
    let (name, message) = match frame {
        WireFrame::Sent(message) => (".casino.Action", message),
        WireFrame::Received(message) => (".casino.GambleInfo", message),
        _ => return Vec::new(),
    };
    let MessageBytes { kept, length } = message;
    let mut reader = Reader {
        bytes: kept,
        at: 0,
        lines: Vec::new(),
    };
    reader.message(name, kept.len(), 0);
    if kept.len() < *length {
        let missing = length.saturating_sub(kept.len());
        reader.push(
            0,
            String::new(),
            0..0,
            format!("# {missing} more bytes are not kept"),
        );
    }
    reader.lines
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    lines: Vec<FieldLine>,
}

impl Reader<'_> {
    fn push(&mut self, depth: usize, field: String, bytes: Range<usize>, text: String) {
        self.lines.push(FieldLine {
            depth,
            field,
            bytes,
            text,
        });
    }

    /// Reads the fields of a message that ends at `end`. The bytes from the first invalid field on are one line.
    fn message(&mut self, name: &str, end: usize, depth: usize) {
        let message = message_type(name);
        while self.at < end {
            let start = self.at;
            if self.field(message, end, depth).is_none() {
                self.push(depth, String::new(), start..end, "# not a field".to_owned());
                self.at = end;
            }
        }
    }

    /// Reads a field of a message that ends at `end`, with all that is nested in it. `None` if it is invalid.
    fn field(&mut self, message: Option<&DescriptorProto>, end: usize, depth: usize) -> Option<()> {
        let start = self.at;
        let tag = self.varint(end)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0)?;
        let known = message.and_then(|message| {
            let mut fields = message.field.iter();
            fields.find(|field| u32::try_from(field.number()) == Ok(number))
        });
        let name = known.map_or_else(|| number.to_string(), |field| field.name().to_owned());
        let (wire_type, value) = match tag & 7 {
            0 => ("VARINT".to_owned(), varint_text(known, self.varint(end)?)),
            1 => ("I64".to_owned(), self.fixed(8, end)?),
            5 => ("I32".to_owned(), self.fixed(4, end)?),
            2 => {
                let length = usize::try_from(self.varint(end)?).ok()?;
                let wire_type = format!("LEN {length}");
                let content = self.at..self.at.checked_add(length).filter(|stop| *stop <= end)?;
                if let Some(nested) = known.filter(|field| field.r#type() == Type::Message) {
                    let field = format!("{number} {wire_type}");
                    self.push(depth, field, start..self.at, format!("{name} {{"));
                    self.message(nested.type_name(), content.end, depth.saturating_add(1));
                    self.push(depth, String::new(), content.end..content.end, "}".to_owned());
                    return Some(());
                }
                self.at = content.end;
                let bytes = self.bytes.get(content)?;
                let is_text = known.is_none_or(|field| field.r#type() == Type::String);
                (wire_type, quoted(bytes, is_text))
            }
            // Groups, which proto3 does not have.
            _ => return None,
        };
        let (field, text) = (format!("{number} {wire_type}"), format!("{name}: {value}"));
        self.push(depth, field, start..self.at, text);
        Some(())
    }

    /// Reads a number of up to ten bytes, with seven bits in each, the lowest first.
    fn varint(&mut self, end: usize) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = *self.bytes.get(self.at).filter(|_| self.at < end)?;
            self.at = self.at.saturating_add(1);
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Reads a little-endian number. The protocol has none, so its type is unknown.
    fn fixed(&mut self, length: usize, end: usize) -> Option<String> {
        let stop = self.at.checked_add(length).filter(|stop| *stop <= end)?;
        let bytes = self.bytes.get(self.at..stop)?;
        self.at = stop;
        let value = bytes
            .iter()
            .rev()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        Some(format!("0x{value:x}"))
    }
}

/// Formats a varint as its field's type; unknown fields as an unsigned number.
fn varint_text(field: Option<&FieldDescriptorProto>, value: u64) -> String {
    let signed = value.cast_signed();
    match field.map(FieldDescriptorProto::r#type) {
        Some(Type::Bool) => (value != 0).to_string(),
        Some(Type::Enum) => {
            let kind = field.and_then(|field| enum_type(field.type_name()));
            let named = kind.and_then(|kind| {
                let mut values = kind.value.iter();
                values.find(|named| i64::from(named.number()) == signed)
            });
            named.map_or_else(|| signed.to_string(), |named| named.name().to_owned())
        }
        Some(_) => signed.to_string(),
        None => value.to_string(),
    }
}

/// Formats as a string literal. Bytes that are not part of a text are escaped.
fn quoted(bytes: &[u8], is_text: bool) -> String {
    let mut literal = String::from("\"");
    match std::str::from_utf8(bytes).ok().filter(|_| is_text) {
        Some(text) => {
            for letter in text.chars() {
                match letter {
                    '"' | '\\' => literal.extend(['\\', letter]),
                    '\n' => literal.push_str("\\n"),
                    letter if letter.is_control() => {
                        literal.push_str(&format!("\\x{:02x}", u32::from(letter)));
                    }
                    letter => literal.push(letter),
                }
            }
        }
        None => bytes
            .iter()
            .for_each(|byte| literal.push_str(&format!("\\x{byte:02x}"))),
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::casino::{Action, ActionType, GambleInfo, Wallet};
    use awesomestock_proto::types::User;

    use super::*;

    /// The lines with number, wire type and bytes in hexadecimal.
    fn listing(frame: &WireFrame) -> Vec<String> {
        let kept = &frame.message().unwrap().kept;
        let lines = dissect(frame).into_iter().map(|line| {
            let space = if line.field.is_empty() { "" } else { " " };
            let bytes: Vec<String> = kept[line.bytes]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!(
                "{}{} | {}{space}{}",
                "  ".repeat(line.depth),
                line.text,
                line.field,
                bytes.join(" ")
            )
        });
        lines.collect()
    }

    #[test]
    fn an_order_is_shown_with_numbers_types_and_bytes() {
        let action = Action {
            user: Some(User { id: "ann".to_owned() }),
            r#type: ActionType::Sell.into(),
            stocks_count: 300,
            id: vec![1, 0xab],
            up_to: true,
            ..Action::default()
        };
        assert_eq!(
            listing(&WireFrame::Sent(MessageBytes::new(&action.encode_to_vec()))),
            [
                "user { | 1 LEN 5 0a 05",
                "  id: \"ann\" | 1 LEN 3 0a 03 61 6e 6e",
                "} | ",
                "type: SELL | 2 VARINT 10 01",
                "stocks_count: 300 | 3 VARINT 18 ac 02",
                "id: \"\\x01\\xab\" | 5 LEN 2 2a 02 01 ab",
                "up_to: true | 6 VARINT 30 01",
            ]
        );
    }

    #[test]
    fn negative_and_unknown_values_are_shown() {
        let info = GambleInfo::from(Wallet {
            realised_pnl: -1,
            ..Wallet::default()
        });
        let mut bytes = info.encode_to_vec();
        // Field 1000 as a text, as four and as eight bytes, and type 42.
        bytes.extend(b"\xc2\x3e\x03a\"b\xc5\x3e\x01\0\0\0\xc1\x3e\x02\0\0\0\0\0\0\0\x08\x2a");
        let lines = listing(&WireFrame::Received(MessageBytes::new(&bytes)));
        assert_eq!(
            lines,
            [
                "type: WALLET | 1 VARINT 08 02",
                "wallet { | 4 LEN 11 22 0b",
                "  realised_pnl: -1 | 4 VARINT 20 ff ff ff ff ff ff ff ff ff 01",
                "} | ",
                "1000: \"a\\\"b\" | 1000 LEN 3 c2 3e 03 61 22 62",
                "1000: 0x1 | 1000 I32 c5 3e 01 00 00 00",
                "1000: 0x2 | 1000 I64 c1 3e 02 00 00 00 00 00 00 00",
                "type: 42 | 1 VARINT 08 2a",
            ]
        );
    }

    #[test]
    fn every_byte_is_in_exactly_one_line_also_of_invalid_messages() {
        let mut seed = 7_u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::try_from(seed >> 24).unwrap() & if seed & 0x100 == 0 { 0x1f } else { 0xff }
        };
        for length in (0..64).cycle().take(5_000) {
            let bytes: Vec<u8> = (0..length).map(|_| next()).collect();
            for frame in [
                WireFrame::Sent(MessageBytes::new(&bytes)),
                WireFrame::Received(MessageBytes::new(&bytes)),
            ] {
                let positions: Vec<usize> = dissect(&frame).into_iter().flat_map(|line| line.bytes).collect();
                assert_eq!(positions, (0..bytes.len()).collect::<Vec<_>>(), "{bytes:02x?}");
            }
        }
    }

    #[test]
    fn the_part_of_a_long_message_that_is_not_kept_is_named() {
        let message = MessageBytes {
            length: 90_000,
            kept: vec![0x08, 0x02],
        };
        let lines = dissect(&WireFrame::Received(message));
        assert_eq!(lines[1].text, "# 89998 more bytes are not kept");
    }
}
