/// Brings foreign names into Prometheus' form.
enum MetricName {
    /// Letters, digits, `_` and `:`; what else there is becomes `_`.
    static func metric(_ text: String) -> String { legal(text, allowsColon: true) }

    /// The same without the colon.
    static func label(_ text: String) -> String { legal(text, allowsColon: false) }

    private static func legal(_ text: String, allowsColon: Bool) -> String {
        var name: [UInt8] = []
        name.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": name.append(UInt8(scalar.value))
            case "0"..."9":
                if name.isEmpty { name.append(UInt8(ascii: "_")) }
                name.append(UInt8(scalar.value))
            case ":" where allowsColon: name.append(UInt8(scalar.value))
            default: name.append(UInt8(ascii: "_"))
            }
        }
        return String(decoding: name, as: UTF8.self)
    }
}
