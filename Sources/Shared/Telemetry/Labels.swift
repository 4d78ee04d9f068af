/// The identity of a series or a log stream: names and values, sorted by name, each name once, no value empty.
///
/// The metric's name is the label `__name__`, as in Prometheus.
public struct Labels: Hashable, Sendable {
    public struct Label: Hashable, Sendable {
        public var name: String
        public var value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public static let metricName = "__name__"

    public private(set) var list: [Label]

    public init() { list = [] }

    /// Sorts; an empty value takes the label away; of two labels with one name the last wins.
    public init(_ pairs: some Sequence<(String, String)>) {
        var map: [String: String] = [:]
        for (name, value) in pairs { map[name] = value }
        list = map.filter { !$0.value.isEmpty }.map { Label($0.key, $0.value) }.sorted { $0.name.precedes($1.name) }
    }

    public init(_ map: [String: String]) {
        list = map.filter { !$0.value.isEmpty }.map { Label($0.key, $0.value) }.sorted { $0.name.precedes($1.name) }
    }

    public init(name: String, _ map: [String: String] = [:]) {
        var map = map
        map[Labels.metricName] = name
        self.init(map)
    }

    /// The caller promises the invariants.
    public init(sortedUnchecked list: [Label]) { self.list = list }

    public var isEmpty: Bool { list.isEmpty }
    public var count: Int { list.count }
    /// The metric's name; empty if there is none.
    public var name: String { self[Labels.metricName] }

    /// The value of a label; empty if it is absent. Setting an empty value takes the label away.
    public subscript(name: String) -> String {
        get {
            for label in list where label.name == name { return label.value }
            return ""
        }
        set {
            let position = list.firstIndex { !$0.name.precedes(name) } ?? list.count
            let exists = position < list.count && list[position].name == name
            switch (exists, newValue.isEmpty) {
            case (true, true): list.remove(at: position)
            case (true, false): list[position].value = newValue
            case (false, false): list.insert(Label(name, newValue), at: position)
            case (false, true): break
            }
        }
    }

    public func filter(_ isIncluded: (Label) throws -> Bool) rethrows -> Labels {
        Labels(sortedUnchecked: try list.filter(isIncluded))
    }

    public var dictionary: [String: String] { Dictionary(uniqueKeysWithValues: list.map { ($0.name, $0.value) }) }
}

extension Labels: Comparable {
    /// By the first label that differs, name before value, by the bytes of their UTF-8; a prefix comes first: Prometheus' order of
    /// results.
    public static func < (left: Labels, right: Labels) -> Bool {
        for (a, b) in zip(left.list, right.list) {
            if !a.name.isSame(as: b.name) { return a.name.precedes(b.name) }
            if !a.value.isSame(as: b.value) { return a.value.precedes(b.value) }
        }
        return left.count < right.count
    }
}

extension String {
    /// Swift orders texts by their canonical form, where one letter may have several encodings. That of ASCII is the order of its
    /// bytes, and the quick case.
    fileprivate func precedes(_ other: String) -> Bool {
        utf8Span.isKnownASCII && other.utf8Span.isKnownASCII ? self < other : utf8.lexicographicallyPrecedes(other.utf8)
    }

    /// By bytes too.
    fileprivate func isSame(as other: String) -> Bool {
        utf8Span.isKnownASCII && other.utf8Span.isKnownASCII ? self == other : utf8.elementsEqual(other.utf8)
    }
}

extension Labels: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }
}

extension Labels: CustomStringConvertible {
    /// PromQL's form: `name{a="b", c="d"}`.
    public var description: String {
        let others = list.filter { $0.name != Labels.metricName }
            .map { "\($0.name)=\"\($0.value.escapedForLabel)\"" }.joined(separator: ", ")
        return others.isEmpty && !name.isEmpty ? name : "\(name){\(others)}"
    }
}

extension String {
    /// The text with `\`, `"` and line feeds escaped, as in the exposition format and PromQL.
    public var escapedForLabel: String {
        guard utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == 0x0A }) else { return self }
        var text = ""
        for character in unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
