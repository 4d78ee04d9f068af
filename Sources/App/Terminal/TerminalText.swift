/// Text as a terminal shows it.
public enum TerminalText {
    /// Columns that the text takes: characters, which is exact for all but East Asian wide text.
    public static func width(_ text: String) -> Int { text.utf8.count == text.unicodeScalars.count ? text.utf8.count : text.count }

    /// At most `width` columns: the middle is left out, since names differ at both ends.
    public static func shorten(_ text: String, to width: Int) -> String {
        guard self.width(text) > width, width > 1 else { return text }
        let kept = width - 1
        return String(text.prefix(kept - kept / 2)) + "…" + String(text.suffix(kept / 2))
    }

    /// Control characters made visible, so that what a program logged cannot move the cursor, set the title, or turn the order of
    /// letters round.
    public static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isControl($0) }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar) { result += scalar.escaped(asASCII: true) } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        (scalar.value < 0x20 && scalar != "\t") || (0x7F...0x9F).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value)
    }
}

/// SGR colours, or nothing where they are not wanted.
public struct Palette: Sendable {
    public var isOn: Bool
    public init(isOn: Bool) { self.isOn = isOn }

    public enum Style: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case yellow = "33"
        case inverse = "7"
    }

    public func style(_ text: String, _ style: Style) -> String { isOn ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text }

    /// A colour of its own for each name, never red or yellow, which are for states.
    public func identity(_ text: String, of name: String) -> String {
        guard isOn else { return text }
        let colours = [32, 34, 35, 36, 92, 94, 95, 96]
        // FNV-1a: the same in every run, so a pod keeps its colour.
        var hash: UInt32 = 2_166_136_261
        for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return "\u{1B}[\(colours[Int(hash) % colours.count])m\(text)\u{1B}[0m"
    }
}
