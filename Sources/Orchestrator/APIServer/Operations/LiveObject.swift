import JSON
import ObjectStore
import Objects
import Synchronization

/// A stored object as the API shows it: decoded once for each revision and shared by all who read it.
///
/// Its texts are made when first asked for and kept: a list of a thousand pods is then mostly copying.
final class LiveObject: Sendable {
    /// With `metadata.resourceVersion`.
    let json: JSON
    let revision: Int64
    private let whole = AtomicLazyReference<Text>()
    private let partial = AtomicLazyReference<Text>()

    private final class Text: Sendable {
        let bytes: [UInt8]
        init(_ bytes: [UInt8]) { self.bytes = bytes }
    }

    /// - Parameter object: without a resourceVersion, or with an older one.
    init(_ object: JSON, revision: Int64) {
        var json = object
        json["metadata"]["resourceVersion"] = .string(String(revision))
        self.json = json
        self.revision = revision
    }

    /// A would-be object, as a dry run shows it.
    init(unstored object: JSON) {
        json = object
        revision = 0
    }

    /// The decoded form of a stored state.
    static func of(_ stored: StoredObject) -> LiveObject {
        stored.attachment { stored in
            // We wrote the bytes, and SQLite's file format guards them; damage shows as an object without a name,
            // which is better than a server that does not start.
            let json = (try? JSON.parse(stored.value)) ?? ["metadata": ["name": .string(stored.key)]]
            return LiveObject(json, revision: stored.modRevision)
        }
    }

    /// The object's JSON text.
    var bytes: [UInt8] { Self.text(whole) { json.bytes() } }

    /// Its metadata as a `PartialObjectMetadata` of meta.k8s.io/v1.
    var partialMetadataBytes: [UInt8] { Self.text(partial) { Self.partialMetadata(json, version: "v1").bytes() } }

    static func partialMetadata(_ object: JSON, version: String) -> JSON {
        ["kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": object["metadata"]]
    }

    private static func text(_ slot: borrowing AtomicLazyReference<Text>, _ make: () -> [UInt8]) -> [UInt8] {
        if let made = slot.load() { return made.bytes }
        return slot.storeIfNil(Text(make())).bytes
    }

    /// What is stored: everything but the resourceVersion, which is the store's own.
    static func storedBytes(_ object: JSON) -> [UInt8] {
        var copy = object
        var metadata = copy["metadata"]
        metadata.remove("resourceVersion")
        metadata.remove("selfLink")
        copy["metadata"] = metadata
        return copy.bytes()
    }
}
