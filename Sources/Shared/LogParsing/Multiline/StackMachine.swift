/// Tells for one stack trace that has begun whether a next line belongs to it.
///
/// The families' forms are described in contracts/logs.md 1.8; each is a small machine, by hand because it looks at every
/// line of a trace and a regular expression a state would cost more.
struct StackMachine: Hashable, Sendable {
    enum Answer: Hashable {
        case belongs
        /// Belongs if a later line does: a blank line between two parts of one trace.
        case perhaps
        case no
    }

    private enum State: Hashable {
        /// Java: after a header; after its blank line; among frames.
        case header, blankAfterHeader, frames
        /// Python: in the frames; after the line that names the error, and the two lines that lead to a chained trace.
        case files, named, blankAfterName, reason
        /// Go: after the panic; where a function or the next goroutine is due; where its place is due.
        case panicked, functions, place
        /// Ruby.
        case from
    }

    let language: StackLanguage
    private var state: State

    init(_ language: StackLanguage) {
        self.language = language
        switch language {
        case .java: state = .header
        case .python: state = .files
        case .go: state = .panicked
        case .ruby: state = .from
        }
    }

    mutating func take(_ line: ArraySlice<UInt8>) -> Answer {
        switch language {
        case .java: java(line)
        case .python: python(line)
        case .go: go(line)
        case .ruby: ruby(line)
        }
    }

    // MARK: Java, .NET, JavaScript

    private mutating func java(_ line: ArraySlice<UInt8>) -> Answer {
        if Lines.isBlank(line) {
            guard state == .header else { return .no }
            state = .blankAfterHeader
            return .perhaps
        }
        let (text, isIndented) = Lines.unindented(line)
        let start = text.startIndex
        if isIndented, Lines.hasText(text, start, "at ") || Lines.hasText(text, start, "eval at ") {
            state = .frames
            return .belongs
        }
        if isIndented, Lines.hasText(text, start, "... ") {
            let rest = text.dropFirst(4).drop { $0 &- 48 < 10 }
            if Lines.hasText(rest, rest.startIndex, " more") || Lines.hasText(rest, rest.startIndex, " common frames omitted") {
                state = .frames
                return .belongs
            }
        }
        if Lines.hasText(text, start, "Caused by:") || Lines.hasText(text, start, "Suppressed:") || (isIndented && Lines.hasText(text, start, "---> ")) {
            state = .header
            return .belongs
        }
        if Lines.hasText(text, start, "--- End of inner exception stack trace ---") || Lines.hasText(text, start, "--- End of stack trace from previous") {
            state = .frames
            return .belongs
        }
        if Lines.contains(text, "nested exception is:") {
            state = .header
            return .belongs
        }
        return .no
    }

    // MARK: Python

    private mutating func python(_ line: ArraySlice<UInt8>) -> Answer {
        let isBlank = Lines.isBlank(line)
        switch state {
        case .files:
            guard !isBlank else { return .no }
            let (text, isIndented) = Lines.unindented(line)
            // `File`, its source, carets, "[Previous line repeated", the bars of a group of errors.
            if isIndented { return .belongs }
            let name = text.prefix { Lines.isWord($0) || $0 == UInt8(ascii: ".") }
            guard let first = name.first, first &- 48 >= 10,
                name.endIndex == line.endIndex || line[name.endIndex] == UInt8(ascii: ":") || line[name.endIndex] == 0x0D
            else { return .no }
            state = .named
            return .belongs
        case .named:
            guard isBlank else { return .no }
            state = .blankAfterName
            return .perhaps
        case .blankAfterName:
            if Lines.hasText(line, line.startIndex, "During handling of the above exception")
                || Lines.hasText(line, line.startIndex, "The above exception was the direct cause")
            {
                state = .reason
                return .perhaps
            }
            return .no
        default:
            if isBlank { return .perhaps }
            guard Lines.isTraceback(line) else { return .no }
            state = .files
            return .belongs
        }
    }

    // MARK: Go

    private mutating func go(_ line: ArraySlice<UInt8>) -> Answer {
        if Lines.isBlank(line) {
            guard state != .place else { return .no }
            return .perhaps
        }
        let start = line.startIndex
        if Lines.hasText(line, start, "goroutine "), line.dropFirst(10).first.map({ $0 &- 48 < 10 }) == true {
            state = .functions
            return .belongs
        }
        let (text, isIndented) = Lines.unindented(line)
        switch state {
        case .panicked:
            return Lines.hasText(line, start, "[signal ") || (isIndented && Lines.hasText(text, text.startIndex, "panic:")) ? .belongs : .no
        case .functions:
            guard !isIndented else { return .no }
            if Lines.hasText(line, start, "...") { return .belongs }
            // `main.f(0x1, {...})`, or `created by main.g`.
            let isCreator = Lines.hasText(line, start, "created by ")
            let word = line.prefix { $0 > 0x20 }
            guard
                isCreator || (word.contains(UInt8(ascii: "(")) && word.prefix { $0 != UInt8(ascii: "(") }.contains(UInt8(ascii: ".")))
                    || Lines.hasText(line, start, "panic(")
            else { return .no }
            state = .place
            return .belongs
        default:
            guard isIndented else { return .no }
            state = .functions
            return .belongs
        }
    }

    // MARK: Ruby

    private func ruby(_ line: ArraySlice<UInt8>) -> Answer {
        let (text, isIndented) = Lines.unindented(line)
        guard isIndented, Lines.hasText(text, text.startIndex, "from "), Lines.contains(text, ":in ") else { return .no }
        return .belongs
    }
}
