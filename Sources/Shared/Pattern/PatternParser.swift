/// Reads RE2's syntax (https://github.com/google/re2/wiki/Syntax) into a tree.
package struct PatternParser {
    package struct Flags {
        package var ignoresCase: Bool
        package var isMultiline = false
        package var dotMatchesNewline: Bool
        package var isUngreedy = false
        package init(ignoresCase: Bool = false, dotMatchesNewline: Bool = false) {
            self.ignoresCase = ignoresCase
            self.dotMatchesNewline = dotMatchesNewline
        }
    }

    /// As in RE2; nested repetitions are bounded by the program's size besides.
    package static let maximumRepeat = 1000
    private static let maximumDepth = 200

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var flags: Flags
    private var depth = 0
    /// Names of the capturing groups; index 0 is the whole match.
    package private(set) var groupNames: [String?] = [nil]

    package init(_ expression: String, flags: Flags) {
        scalars = Array(expression.unicodeScalars)
        self.flags = flags
    }

    package mutating func parse() throws(PatternError) -> PatternNode {
        let node = try alternation()
        if position < scalars.count { throw error("unexpected \")\", no group is open here") }
        return node
    }

    private func error(_ message: String, at place: Int? = nil) -> PatternError {
        let offset = scalars[..<(place ?? position)].reduce(0) { $0 + UTF8.width($1) }
        return PatternError(offset: offset, message: "\(message) (at byte \(offset) of the expression)")
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    private mutating func alternation() throws(PatternError) -> PatternNode {
        var branches = [try concatenation()]
        while take("|") { branches.append(try concatenation()) }
        return branches.count == 1 ? branches[0] : .alternation(branches)
    }

    private mutating func concatenation() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            if take("\\Q") {
                while position < scalars.count, !take("\\E") {
                    nodes.append(literal(scalars[position]))
                    position += 1
                }
                continue
            }
            let start = position
            guard let atom = try atom() else { continue }
            nodes.append(try repeated(atom, from: start))
        }
        return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .concatenation(nodes)
    }

    private mutating func repeated(_ atom: PatternNode, from start: Int) throws(PatternError) -> PatternNode {
        guard let (least, most) = try quantifier() else { return atom }
        let isLazy = take("?")
        let place = position
        if try quantifier() != nil { throw error("two repetition operators in a row; group the first with (?:...)", at: place) }
        return .repetition(atom, min: least, max: most, isGreedy: isLazy == flags.isUngreedy)
    }

    private mutating func quantifier() throws(PatternError) -> (Int, Int?)? {
        switch next {
        case "*": position += 1; return (0, nil)
        case "+": position += 1; return (1, nil)
        case "?": position += 1; return (0, 1)
        case "{":
            // A brace that opens no {n}, {n,} or {n,m} is a plain character.
            let start = position
            position += 1
            guard let least = number() else { position = start; return nil }
            var most: Int? = least
            if take(",") { most = next == "}" ? nil : number() ?? -1 }
            guard most != -1, take("}") else { position = start; return nil }
            if least > PatternParser.maximumRepeat || (most ?? 0) > PatternParser.maximumRepeat {
                throw error("a repetition may be at most \(PatternParser.maximumRepeat)", at: start)
            }
            if let most, most < least { throw error("the repetition's bounds are the wrong way round", at: start) }
            return (least, most)
        default: return nil
        }
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let digit = next?.value, (48...57).contains(digit) {
            value = min((value ?? 0) * 10 + Int(digit - 48), 100_000)
            position += 1
        }
        return value
    }

    private func literal(_ scalar: Unicode.Scalar) -> PatternNode { .set(folded(ScalarSet(scalar.value))) }
    private func folded(_ set: ScalarSet) -> ScalarSet { flags.ignoresCase ? set.foldingCase : set }

    /// Nil when flags were set, which match nothing themselves.
    private mutating func atom() throws(PatternError) -> PatternNode? {
        let start = position
        let scalar = scalars[position]
        switch scalar {
        case "(": return try group()
        case "[": return .set(try characterClass())
        case ".":
            position += 1
            return .set(flags.dotMatchesNewline ? .any : .anyButNewline)
        case "^":
            position += 1
            return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case "$":
            position += 1
            return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
        case "*", "+", "?": throw error("nothing before \"\(scalar)\" to repeat; write \\\(scalar) for the character itself")
        case "\\":
            position += 1
            switch next {
            case "A": position += 1; return .assertion(.textStart)
            case "z": position += 1; return .assertion(.textEnd)
            case "b": position += 1; return .assertion(.wordBoundary)
            case "B": position += 1; return .assertion(.notWordBoundary)
            default:
                position = start
                if let set = try classEscape() { return .set(set) }
                return literal(try escape())
            }
        default:
            if scalar == "{", isQuantifier() { throw error("nothing before \"{\" to repeat; write \\{ for the character itself") }
            position += 1
            return literal(scalar)
        }
    }

    private func isQuantifier() -> Bool {
        var copy = self
        do { return try copy.quantifier() != nil } catch { return true }
    }

    private mutating func group() throws(PatternError) -> PatternNode? {
        let start = position
        position += 1
        depth += 1
        defer { depth -= 1 }
        if depth > PatternParser.maximumDepth { throw error("groups are nested more than \(PatternParser.maximumDepth) deep", at: start) }
        let outer = flags
        var number: Int?
        if take("?") {
            if take("P<") || take("<") {
                let name = try groupName(from: start)
                number = openGroup(name: name)
            } else if try setFlags(from: start) {
                // (?i) lasts to the end of the enclosing group, which restores the flags.
                return nil
            }
        } else {
            number = openGroup(name: nil)
        }
        let inner = try alternation()
        guard take(")") else { throw error("the group that \"(\" opens is not closed", at: start) }
        flags = outer
        return number.map { .group(inner, number: $0) } ?? inner
    }

    private mutating func openGroup(name: String?) -> Int {
        groupNames.append(name)
        return groupNames.count - 1
    }

    private mutating func groupName(from start: Int) throws(PatternError) -> String {
        var name = ""
        while let scalar = next, scalar != ">" {
            guard ScalarSet.word.contains(scalar.value) else { throw error("a group's name may have letters, digits and _ only") }
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard take(">"), !name.isEmpty else { throw error("a named group is written (?P<name>...)", at: start) }
        if groupNames.contains(name) { throw error("two groups are named \"\(name)\"", at: start) }
        return name
    }

    /// Reads flags up to `)` or `:`; true if it was `)`.
    private mutating func setFlags(from start: Int) throws(PatternError) -> Bool {
        var isOn = true
        while let scalar = next {
            position += 1
            switch scalar {
            case "i": flags.ignoresCase = isOn
            case "m": flags.isMultiline = isOn
            case "s": flags.dotMatchesNewline = isOn
            case "U": flags.isUngreedy = isOn
            case "-": isOn = false
            case ":": return false
            case ")":
                return true
            case "=", "!": throw error("look-ahead is not part of RE2's syntax; it would break the promise of linear time", at: start)
            default: throw error("unknown flag \"\(scalar)\" in a group; there are i, m, s and U", at: start)
            }
        }
        throw error("the group that \"(\" opens is not closed", at: start)
    }

    // MARK: Classes and escapes

    private mutating func characterClass() throws(PatternError) -> ScalarSet {
        let start = position
        position += 1
        let isNegated = take("^")
        var set = ScalarSet([])
        var isFirst = true
        while isFirst || next != "]" {
            isFirst = false
            guard let scalar = next else { throw error("the class that \"[\" opens is not closed", at: start) }
            if scalar == "[", position + 1 < scalars.count, scalars[position + 1] == ":", let posix = try posixClass() {
                set = set.union(posix)
                continue
            }
            if let escaped = try classEscape() {
                set = set.union(escaped)
                continue
            }
            let place = position
            let low = try classMember(start)
            var high = low
            if next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
                position += 1
                high = try classMember(start)
                if high.value < low.value { throw error("the range \(low)-\(high) is the wrong way round", at: place) }
            }
            set = set.union(ScalarSet([low.value...high.value]))
        }
        position += 1
        // Fold before inverting, so that (?i)[^a] leaves out A as well.
        set = folded(set)
        return isNegated ? set.inverted : set
    }

    private mutating func classMember(_ start: Int) throws(PatternError) -> Unicode.Scalar {
        guard let scalar = next else { throw error("the class that \"[\" opens is not closed", at: start) }
        if scalar == "\\" { return try escape() }
        position += 1
        return scalar
    }

    private static let posixClasses: [String: ScalarSet] = [
        "alnum": ScalarSet([48...57, 65...90, 97...122]), "alpha": ScalarSet([65...90, 97...122]), "ascii": ScalarSet([0...127]),
        "blank": ScalarSet([9...9, 32...32]), "cntrl": ScalarSet([0...31, 127...127]), "digit": .digits, "graph": ScalarSet([33...126]),
        "lower": ScalarSet([97...122]), "print": ScalarSet([32...126]),
        "punct": ScalarSet([33...47, 58...64, 91...96, 123...126]), "space": ScalarSet([9...13, 32...32]),
        "upper": ScalarSet([65...90]), "word": .word, "xdigit": ScalarSet([48...57, 65...70, 97...102]),
    ]

    private mutating func posixClass() throws(PatternError) -> ScalarSet? {
        let start = position
        position += 2
        let isNegated = take("^")
        var name = ""
        while let scalar = next, (97...122).contains(scalar.value) {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard take(":]") else { position = start; return nil }
        guard let set = PatternParser.posixClasses[name] else { throw error("there is no class [:\(name):]", at: start) }
        return isNegated ? set.inverted : set
    }

    /// `\d`, `\pL` and their like; nil, and nothing read, if something else comes.
    private mutating func classEscape() throws(PatternError) -> ScalarSet? {
        guard next == "\\", position + 1 < scalars.count else { return nil }
        let start = position
        let letter = scalars[position + 1]
        position += 2
        switch letter {
        case "d": return .digits
        case "D": return ScalarSet.digits.inverted
        case "w": return .word
        case "W": return ScalarSet.word.inverted
        case "s": return .space
        case "S": return ScalarSet.space.inverted
        case "p", "P":
            var name = ""
            if take("{") {
                while let scalar = next, scalar != "}" {
                    name.unicodeScalars.append(scalar)
                    position += 1
                }
                guard take("}") else { throw error("\\p{ is not closed", at: start) }
            } else if let scalar = next {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            var isNegated = letter == "P"
            if name.hasPrefix("^") {
                isNegated.toggle()
                name.removeFirst()
            }
            guard let set = ScalarSet.category(name) else {
                throw error(
                    "\"\(name)\" is no Unicode category that is known here; scripts are not, so write a range such as [\\x{370}-\\x{3FF}]",
                    at: start)
            }
            return isNegated ? set.inverted : set
        default:
            position = start
            return nil
        }
    }

    private mutating func escape() throws(PatternError) -> Unicode.Scalar {
        let start = position
        position += 1
        guard let letter = next else { throw error("a single \\ at the end; write \\\\ for the character itself", at: start) }
        position += 1
        switch letter {
        case "a": return "\u{7}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{B}"
        case "x":
            var value: UInt32 = 0
            var count = 0
            let isBraced = take("{")
            while let digit = next?.hexDigit, isBraced || count < 2 {
                value = min(value * 16 + digit, 0x110000)
                count += 1
                position += 1
            }
            guard count > 0, isBraced ? take("}") : count == 2, let scalar = Unicode.Scalar(value) else {
                throw error("\\x needs two hexadecimal digits or {…} with a Unicode scalar value", at: start)
            }
            return scalar
        case "0"..."7":
            var value = letter.value - 48
            // \1 to \7 alone would be back-references, which RE2 does not have.
            guard letter == "0" || (next.map { (48...55).contains($0.value) } ?? false) else {
                throw error("back-references such as \\\(letter) are not part of RE2's syntax", at: start)
            }
            for _ in 0..<2 {
                guard let digit = next?.value, (48...55).contains(digit) else { break }
                value = value * 8 + digit - 48
                position += 1
            }
            return Unicode.Scalar(value) ?? "\u{FFFD}"
        default:
            guard letter.value < 128, !ScalarSet.word.contains(letter.value) || letter == "_" else {
                throw error("unknown escape \\\(letter)", at: start)
            }
            return letter
        }
    }
}

extension Unicode.Scalar {
    fileprivate var hexDigit: UInt32? {
        switch self {
        case "0"..."9": value - 48
        case "a"..."f": value - 87
        case "A"..."F": value - 55
        default: nil
        }
    }
}
