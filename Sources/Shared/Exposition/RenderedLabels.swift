/// Labels as a page shows them, `a="b",c="d"` without the braces: made once a container, used for each of its samples.
public struct RenderedLabels: Hashable, Sendable {
    /// UTF-8, escaped. Both text forms escape a label's value alike: `\`, `"` and line feeds.
    public let bytes: [UInt8]

    public static let none = RenderedLabels([])

    /// In the order given. A value may hold anything; what was no UTF-8 was replaced by U+FFFD when it became a String.
    public init(_ labels: [(name: String, value: String)]) {
        var bytes: [UInt8] = []
        for (name, value) in labels {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            TextFormat.writeEscaped(value, quotes: true, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        self.bytes = bytes
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// These labels and then the others.
    public func appending(_ other: RenderedLabels) -> RenderedLabels {
        if bytes.isEmpty { return other }
        if other.bytes.isEmpty { return self }
        return RenderedLabels(bytes: bytes + [UInt8(ascii: ",")] + other.bytes)
    }

    public var isEmpty: Bool { bytes.isEmpty }
}
