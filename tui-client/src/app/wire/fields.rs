//! Takes an encoded message apart: field numbers, wire types, bytes and text format. Names come from the protocol's own
//! descriptors.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use awesomestock_proto::casino::FILE_DESCRIPTOR_SET;
use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use super::{MessageBytes, WireFrame};

/// Longest varint, in bytes.
const MAX_VARINT_BYTES: usize = 10;

/// The type of a field on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireType {
    /// A number of variable length.
    Varint,
    /// Eight bytes.
    I64,
    /// A length, then as many bytes.
    Len(usize),
    /// Four bytes.
    I32,
}

impl WireType {
    /// Returns the name in the specification, and the length.
    pub fn label(self) -> String {
        match self {
            Self::Varint => "VARINT".to_owned(),
            Self::I64 => "I64".to_owned(),
            Self::Len(length) => format!("LEN {length}"),
            Self::I32 => "I32".to_owned(),
        }
    }
}

/// A line of a message in text format, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldLine {
    /// Nesting, from 0.
    pub depth: usize,
    /// Number and wire type; `None` for the end of a message, and for bytes that are not a field.
    pub field: Option<(u32, WireType)>,
    /// Positions in the message. Of a nested message: tag and length.
    pub bytes: Range<usize>,
    /// The line in text format.
    pub text: String,
}

/// Messages and enums by their full names.
struct Schema {
    messages: HashMap<String, DescriptorProto>,
    enums: HashMap<String, EnumDescriptorProto>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let mut schema = Schema {
        messages: HashMap::new(),
        enums: HashMap::new(),
    };
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default();
    for file in set.file {
        let package = file.package().to_owned();
        let full = |name: &str| format!(".{package}.{name}");
        let messages = file.message_type.into_iter();
        schema
            .messages
            .extend(messages.map(|message| (full(message.name()), message)));
        let enums = file.enum_type.into_iter();
        schema.enums.extend(enums.map(|kind| (full(kind.name()), kind)));
    }
    schema
});

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
    if reader.message(name, kept.len(), 0).is_none() && reader.at < kept.len() {
        reader.push(0, None, reader.at..kept.len(), "# not a field".to_owned());
    }
    if kept.len() < *length {
        let missing = length.saturating_sub(kept.len());
        reader.push(0, None, 0..0, format!("# {missing} more bytes are not kept"));
    }
    reader.lines
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    lines: Vec<FieldLine>,
}

impl Reader<'_> {
    fn push(&mut self, depth: usize, field: Option<(u32, WireType)>, bytes: Range<usize>, text: String) {
        self.lines.push(FieldLine {
            depth,
            field,
            bytes,
            text,
        });
    }

    /// Reads the fields of a message that ends at `end`. `None` if they are invalid; `at` is then the invalid field.
    fn message(&mut self, name: &str, end: usize, depth: usize) -> Option<()> {
        let message = SCHEMA.messages.get(name);
        while self.at < end {
            let start = self.at;
            if self.field(message, end, depth).is_none() {
                self.at = start;
                return None;
            }
        }
        Some(())
    }

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
            0 => (WireType::Varint, varint_text(known, self.varint(end)?)),
            1 => (WireType::I64, self.fixed(8, end)?),
            5 => (WireType::I32, self.fixed(4, end)?),
            2 => {
                let length = usize::try_from(self.varint(end)?).ok()?;
                let content = self.at..self.at.checked_add(length).filter(|stop| *stop <= end)?;
                if let Some(kind) = known.filter(|field| field.r#type() == Type::Message) {
                    return self.nested(kind.type_name(), number, content, start..self.at, &name, depth);
                }
                self.at = content.end;
                let bytes = self.bytes.get(content)?;
                let is_text = known.is_none_or(|field| field.r#type() == Type::String);
                (WireType::Len(length), quoted(bytes, is_text))
            }
            // Groups, which proto3 does not have.
            _ => return None,
        };
        let text = format!("{name}: {value}");
        self.push(depth, Some((number, wire_type)), start..self.at, text);
        Some(())
    }

    fn nested(
        &mut self,
        kind: &str,
        number: u32,
        content: Range<usize>,
        header: Range<usize>,
        name: &str,
        depth: usize,
    ) -> Option<()> {
        let wire_type = WireType::Len(content.len());
        self.push(depth, Some((number, wire_type)), header, format!("{name} {{"));
        if self.message(kind, content.end, depth.saturating_add(1)).is_none() {
            let rest = self.at..content.end;
            self.push(depth.saturating_add(1), None, rest, "# not a field".to_owned());
        }
        self.at = content.end;
        self.push(depth, None, content.end..content.end, "}".to_owned());
        Some(())
    }

    fn varint(&mut self, end: usize) -> Option<u64> {
        let mut value = 0_u64;
        for index in 0..MAX_VARINT_BYTES {
            let byte = *self.bytes.get(self.at).filter(|_| self.at < end)?;
            self.at = self.at.saturating_add(1);
            let shift = u32::try_from(index).ok()?.saturating_mul(7);
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
            let kind = field.and_then(|field| SCHEMA.enums.get(field.type_name()));
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
            let field = line.field.map_or(String::new(), |(number, kind)| {
                format!("{number} {} ", kind.label())
            });
            let bytes: Vec<String> = kept[line.bytes]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!(
                "{}{} | {field}{}",
                "  ".repeat(line.depth),
                line.text,
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
