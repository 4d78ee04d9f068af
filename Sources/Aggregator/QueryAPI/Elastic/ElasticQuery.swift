import Pattern

/// A query as a tree, whichever language it was written in.
indirect enum ElasticQuery: Sendable {
    case all
    case none
    /// The field's whole value is one of these. Of the message also one of its words.
    case terms(String, [String])
    /// The field's text has all or at least so many of the words; nil: the message and every other field.
    case words(String?, [[UInt8]], minimum: Int)
    /// The words one after another; the last may be the beginning of one.
    case phrase(String?, [[UInt8]], isPrefix: Bool)
    /// The field's whole value, or one word of a text, fits.
    case fits(String?, Pattern)
    case exists(String)
    case ids(Set<String>)
    case range(String, ElasticRange)
    case bool(must: [ElasticQuery], should: [ElasticQuery], mustNot: [ElasticQuery], minimumShould: Int)

    static func and(_ queries: [ElasticQuery]) -> ElasticQuery {
        queries.count == 1 ? queries[0] : .bool(must: queries, should: [], mustNot: [], minimumShould: 0)
    }

    static func or(_ queries: [ElasticQuery]) -> ElasticQuery {
        queries.count == 1 ? queries[0] : .bool(must: [], should: queries, mustNot: [], minimumShould: 1)
    }

    static func not(_ query: ElasticQuery) -> ElasticQuery { .bool(must: [], should: [], mustNot: [query], minimumShould: 0) }

    /// `*` and `?` as wildcards, anchored.
    static func wildcard(_ text: String, ignoringCase: Bool = false) throws(ElasticError) -> Pattern {
        var expression = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                expression += quoted(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "*" {
                expression += ".*"
            } else if character == "?" {
                expression += "."
            } else {
                expression += quoted(character)
            }
        }
        return try pattern("(?s:\(expression))", ignoringCase: ignoringCase)
    }

    static func pattern(_ expression: String, ignoringCase: Bool = false) throws(ElasticError) -> Pattern {
        do {
            return try Pattern(expression, anchored: true, ignoringCase: ignoringCase)
        } catch {
            throw .parsing("failed to parse the regular expression [\(expression)]: \(error.message)")
        }
    }

    private static func quoted(_ character: Character) -> String {
        "\\.+*?()|[]{}^$".contains(character) ? "\\\(character)" : String(character)
    }
}

/// Bounds on a value. Numbers compare as numbers, times as times, all else as text.
struct ElasticRange: Sendable {
    struct Bound: Sendable {
        var text: String
        var isIncluded: Bool
        /// What the text means as a time, in nanoseconds; with `now` and rounding done.
        var time: Int64?
        var number: Double? { Double(text) }
    }
    var lower: Bound?
    var upper: Bound?

    func accepts(time: Int64) -> Bool {
        if let lower {
            guard let bound = lower.time, lower.isIncluded ? time >= bound : time > bound else { return false }
        }
        if let upper {
            guard let bound = upper.time, upper.isIncluded ? time <= bound : time < bound else { return false }
        }
        return true
    }

    func accepts(_ value: String) -> Bool {
        func holds(_ bound: Bound?, _ isLower: Bool) -> Bool {
            guard let bound else { return true }
            if let number = bound.number, let value = Double(value) {
                return number == value ? bound.isIncluded : isLower ? value > number : value < number
            }
            // A number as bound is a number: text does not lie on either side of it.
            if bound.number != nil { return false }
            return bound.text == value ? bound.isIncluded : isLower ? value > bound.text : value < bound.text
        }
        return holds(lower, true) && holds(upper, false)
    }
}
