/// The families of stack traces that are told apart by their first line.
public enum StackLanguage: String, Hashable, Sendable, CaseIterable {
    /// Java and its kin, .NET and JavaScript: a header that ends in Exception, Error or Throwable, then `at` frames.
    case java
    case python
    case go
    case ruby

    /// The family whose trace begins with this line; nil for nearly all lines, told in one pass over their bytes.
    static func beginning(_ line: ArraySlice<UInt8>, among languages: Set<StackLanguage>) -> StackLanguage? {
        let count = line.endIndex
        var index = line.startIndex
        while index < count {
            switch line[index] {
            case UInt8(ascii: "T"):
                if languages.contains(.python), index == line.startIndex, isTracebackHeading(line) { return .python }
                if languages.contains(.java), isWordEnd(line, index, "Throwable") { return .java }
            case UInt8(ascii: "E"):
                if languages.contains(.java), isWordEnd(line, index, "Exception") || isWordEnd(line, index, "Error") { return .java }
            case UInt8(ascii: "p"):
                if languages.contains(.go), isGoPanic(line, index) { return .go }
            case UInt8(ascii: "f"):
                if languages.contains(.go), index == line.startIndex, line.starts(with: "fatal error: ".utf8) { return .go }
            case UInt8(ascii: ":"):
                if languages.contains(.ruby), isRubyPlace(line, index) { return .ruby }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// `word` at `index` as the end of a longer word, and a colon or the line's end behind it.
    private static func isWordEnd(_ line: ArraySlice<UInt8>, _ index: Int, _ word: StaticString) -> Bool {
        guard index > line.startIndex, Lines.hasText(line, index, word) else { return false }
        let end = index + word.utf8CodeUnitCount
        return end == line.endIndex || line[end] == UInt8(ascii: ":") || line[end] == 0x0D
    }

    private static func isTracebackHeading(_ line: ArraySlice<UInt8>) -> Bool { Lines.isTraceback(line) }

    /// The word `panic:`, or net/http's `http: panic serving`.
    private static func isGoPanic(_ line: ArraySlice<UInt8>, _ index: Int) -> Bool {
        let isWordStart = index == line.startIndex || !Lines.isWord(line[index - 1])
        guard isWordStart else { return false }
        return Lines.hasText(line, index, "panic:") || Lines.hasText(line, index, "panic serving ")
    }

    /// `file:12:in `, at the first colon.
    private static func isRubyPlace(_ line: ArraySlice<UInt8>, _ colon: Int) -> Bool {
        var index = colon + 1
        while index < line.endIndex, line[index] &- 48 < 10 { index += 1 }
        return index > colon + 1 && colon > line.startIndex && line[colon - 1] > 0x20 && Lines.hasText(line, index, ":in ")
    }
}

/// Looks at lines of stack traces.
enum Lines {
    static func isWord(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || byte == UInt8(ascii: "_") }

    static func isIndent(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    static func isBlank(_ line: ArraySlice<UInt8>) -> Bool { line.allSatisfy { isIndent($0) || $0 == 0x0D } }

    /// Whether the text stands at `index`.
    static func hasText(_ line: ArraySlice<UInt8>, _ index: Int, _ text: StaticString) -> Bool {
        guard index + text.utf8CodeUnitCount <= line.endIndex else { return false }
        // The static text lives as long as the program, and its count is its own.
        return unsafe line[index..<index + text.utf8CodeUnitCount].elementsEqual(
            UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    static func contains(_ line: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
        line.indices.contains { hasText(line, $0, text) }
    }

    static func isTraceback(_ line: ArraySlice<UInt8>) -> Bool {
        let text: StaticString = "Traceback (most recent call last):"
        guard hasText(line, line.startIndex, text) else { return false }
        return isBlank(line.dropFirst(text.utf8CodeUnitCount))
    }

    /// The line without its indent, and whether it had one.
    static func unindented(_ line: ArraySlice<UInt8>) -> (text: ArraySlice<UInt8>, isIndented: Bool) {
        let text = line.drop(while: isIndent)
        return (text, text.startIndex > line.startIndex)
    }
}
