import JSON
import NodeStats
import Telemetry

/// Building documents whose optional members are left out, as the kubelet and cAdvisor leave them out.
enum Document {
    /// An object without its null members.
    static func object(_ members: [(String, JSON)]) -> JSON { .object(members.filter { !$0.1.isNull }) }

    /// Counters of the kernel are unsigned; JSON integers here reach to 2^63 - 1, beyond which the value is cut there.
    static func number(_ value: UInt64?) -> JSON { value.map { .integer(Int64(clamping: $0)) } ?? .null }

    /// For members that Go prints as 0 where nothing is known.
    static func count(_ value: UInt64?) -> JSON { .integer(Int64(clamping: value ?? 0)) }

    /// RFC 3339 of nanoseconds since 1970 with all nine digits, as cAdvisor has it; Go's zero time where it is 0.
    static func time(_ nanoseconds: Int64) -> JSON {
        nanoseconds == 0 ? "0001-01-01T00:00:00Z" : .string(CivilTime(nanosecondsSinceEpoch: nanoseconds).rfc3339(fractionDigits: 9))
    }

    static func strings(_ pairs: [(name: String, value: String)]) -> JSON {
        pairs.isEmpty ? .null : .object(JSONObject(pairs.map { ($0.name, .string($0.value)) }))
    }

    static func list(_ elements: [JSON]) -> JSON { elements.isEmpty ? .null : .array(elements) }
}
