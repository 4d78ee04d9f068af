public import Pattern

/// How the lines of one stream belong together.
public enum MultilineRule: Hashable, Sendable {
    /// Each line is a record.
    case none
    /// Stack traces of these families, each told by its first line.
    case stacks(Set<StackLanguage>)
    /// A line that begins with a space or a tab continues the one before.
    case indented
    /// A line that does not begin with a time stamp continues the one before.
    case stamped
    /// A line that does not match continues the one before.
    case start(Pattern)

    public static let auto = MultilineRule.stacks(Set(StackLanguage.allCases))

    /// As an annotation or a configuration writes it: `auto`, `none`, `java`, `dotnet`, `js`, `python`, `go`, `ruby`, several of
    /// these with commas, `indented`, `stamped`, or `/expression/` that matches the first line of a record. Throws what is wrong.
    public init(_ text: String) throws(PatternError) {
        if text.hasPrefix("/"), text.hasSuffix("/"), text.utf8.count > 2 {
            self = .start(try Pattern(String(text.dropFirst().dropLast())))
            return
        }
        switch text {
        case "auto": self = .auto
        case "none", "off": self = .none
        case "indented": self = .indented
        case "stamped": self = .stamped
        default:
            var languages: Set<StackLanguage> = []
            for name in text.split(separator: ",").map({ $0.filter { $0 != " " } }) {
                switch name {
                case "dotnet", "js", "javascript", "java": languages.insert(.java)
                case "python": languages.insert(.python)
                case "go": languages.insert(.go)
                case "ruby": languages.insert(.ruby)
                default:
                    throw PatternError(
                        offset: 0,
                        message:
                            "multiline is \"\(text)\"; write auto, none, java, dotnet, js, python, go, ruby, indented, stamped, or /expression/ for a record's first line"
                    )
                }
            }
            guard !languages.isEmpty else { throw PatternError(offset: 0, message: "multiline is empty; write auto or none") }
            self = .stacks(languages)
        }
    }
}

/// Decides for one stream which lines belong together. Pure: the caller keeps the lines.
public struct MultilineState: Hashable, Sendable {
    public enum Decision: Hashable, Sendable {
        /// Whatever is open ends; the line is a record by itself.
        case alone
        /// Whatever is open ends; the line begins a group that may continue.
        case begins
        /// The line belongs to the open group.
        case continues
        /// It belongs to it if a later line does.
        case perhaps
    }

    public let rule: MultilineRule
    private var machine: StackMachine?
    private var isOpen = false

    public init(_ rule: MultilineRule) { self.rule = rule }

    public mutating func decide(_ line: ArraySlice<UInt8>) -> Decision {
        switch rule {
        case .none: return .alone
        case .stacks(let languages):
            if var open = machine {
                let answer = open.take(line)
                machine = open
                switch answer {
                case .belongs: return .continues
                case .perhaps: return .perhaps
                case .no: machine = nil
                }
            }
            guard let language = StackLanguage.beginning(line, among: languages) else { return .alone }
            machine = StackMachine(language)
            return .begins
        case .indented: return open(continuing: line.first.map(Lines.isIndent) == true)
        case .stamped: return open(continuing: StampScanner.scan(line) == nil)
        case .start(let pattern): return open(continuing: !pattern.matches(line))
        }
    }

    private mutating func open(continuing: Bool) -> Decision {
        guard continuing, isOpen else {
            isOpen = true
            return .begins
        }
        return .continues
    }

    /// The open group was given out, by time or by a bound.
    public mutating func close() {
        machine = nil
        isOpen = false
    }
}
