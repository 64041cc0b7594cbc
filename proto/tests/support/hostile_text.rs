//! Hostile texts for every test that displays text from others. Included with `#[path]`.

/// Short texts that a terminal, a text layout or a spreadsheet could interpret.
const SHORT: &[&str] = &[
    // CSI: clear, colours, cursor position request. OSC: title, clipboard, link. DCS, APC, PM, SOS.
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}[31;5mred\u{1b}[6n",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;cm0gLXJmIC8=\u{1b}\\",
    "\u{1b}]8;;http://example.org\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}P+q544e\u{1b}\\",
    "\u{1b}_Gi=1;AAAA\u{1b}\\\u{1b}^pm\u{1b}\\\u{1b}Xsos\u{1b}\\",
    "\u{1b}c\u{1b}(0\u{1b}#8\u{1b}[?1049l\u{1b}[?1000h",
    // The same as 8-bit controls.
    "\u{9b}2J\u{9d}0;title\u{9c}\u{90}q\u{9c}\u{9e}x\u{9f}y\u{98}z\u{85}",
    // Cursor movement and bell.
    "a\0b\u{7}c\u{8}\u{8}\u{8}d\u{7f}",
    "shown\roverwritten",
    "one\ntwo\r\nthree\u{b}four\u{c}five",
    "\ttab\t\t",
    "\u{e}shifted\u{f}",
    "\u{2028}line\u{2029}paragraph",
    // Right-to-left text and overrides.
    "\u{202e}drawkcab\u{202c}",
    "\u{2066}\u{2067}\u{2068}isolated\u{2069}",
    "\u{200e}\u{200f}\u{061c}\u{202a}\u{202b}\u{202d}",
    "1,000 שקלים 2,000",
    // Invisible characters.
    "ann\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}",
    "\u{3164}\u{ffa0}\u{115f}\u{1160}\u{17b4}\u{180e}",
    "\u{e0041}\u{e0042}\u{fe0f}\u{e0100}\u{fff9}a\u{fffb}",
    "\u{1D173}\u{1D17A}\u{1BCA0}",
    "\u{301}\u{302}on nothing",
    "\u{ad}soft",
    // Formulas.
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "a\",=1+1,\"b",
    "\"=1+1\"",
    // Format strings, markup, paths.
    "%s%n{}{0}",
    "<b>&amp;</b>",
    "../../etc/passwd",
    "$(id)`id`;id",
];

/// Returns the short texts and long ones.
pub(crate) fn hostile_texts() -> Vec<String> {
    let mut texts: Vec<String> = SHORT.iter().map(|text| (*text).to_owned()).collect();
    texts.extend([
        format!("e{}x", "\u{301}".repeat(10_000)),
        "\u{200b}".repeat(10_000),
        "株".repeat(5_000),
        "👨\u{200d}👩\u{200d}👧\u{200d}".repeat(500),
        "👍🏽".repeat(500),
        "🏽".repeat(500),
        "\u{1100}".repeat(1_000),
        "\u{915}\u{94d}".repeat(1_000),
        "\u{600}".repeat(1_000),
        "\u{fdfd}".repeat(500),
        "\u{202e}".repeat(1_000),
        "\n".repeat(1_000),
        "\u{1b}[".repeat(1_000),
        "x".repeat(100_000),
    ]);
    texts
}
