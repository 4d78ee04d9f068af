import JSON
import Objects

/// Writes objects, lists and tables of one kind as JSON text. Pure: the time for ages comes in.
struct ObjectRenderer: Sendable {
    /// What a table's rows carry beside their cells (`includeObject`).
    enum IncludedObject: String, Sendable { case none = "None", metadata = "Metadata", object = "Object" }

    let kind: Kind
    let representation: Representation
    var includedObject = IncludedObject.metadata
    /// Seconds since 1970.
    var now: Int64

    /// One object, or a table of one row.
    func object(_ object: LiveObject) -> [UInt8] {
        switch representation {
        case .object: return object.bytes
        case .partialMetadata(let version): return partialMetadata(object, version)
        case .table(let version):
            var text: [UInt8] = []
            beginTable(version: version, listMetadata: ["resourceVersion": object.json["metadata"]["resourceVersion"]], withColumns: true, &text)
            row(object, &text)
            text.put("]}")
            return text
        }
    }

    func list(_ page: ObjectService.Page) -> [UInt8] {
        var metadata: JSON = ["resourceVersion": .string(String(page.revision))]
        if let continuation = page.continuation { metadata["continue"] = .string(continuation) }
        if let remaining = page.remaining { metadata["remainingItemCount"] = JSON(remaining) }
        var text: [UInt8] = []
        text.reserveCapacity(page.objects.count * 1024 + 512)
        switch representation {
        case .object: beginList(kind: kind.listKind, apiVersion: kind.apiVersion, metadata, &text)
        case .partialMetadata(let version):
            beginList(kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/\(version)", metadata, &text)
        case .table(let version): beginTable(version: version, listMetadata: metadata, withColumns: true, &text)
        }
        var isFirst = true
        for object in page.objects {
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            switch representation {
            case .object: text += object.bytes
            case .partialMetadata(let version): text += partialMetadata(object, version)
            case .table: row(object, &text)
            }
        }
        text.put("]}")
        return text
    }

    /// One line of a watch.
    /// - Parameter withColumns: a table's first frame names its columns.
    func frame(_ change: WatchChange, withColumns: Bool) -> [UInt8] {
        var text: [UInt8] = []
        beginFrame(change.kind.rawValue, &text)
        switch representation {
        case .object: text += change.object.bytes
        case .partialMetadata(let version): text += partialMetadata(change.object, version)
        case .table(let version):
            let metadata: JSON = ["resourceVersion": change.object.json["metadata"]["resourceVersion"]]
            beginTable(version: version, listMetadata: metadata, withColumns: withColumns, &text)
            row(change.object, &text)
            text.put("]}")
        }
        text.put("}\n")
        return text
    }

    func bookmark(revision: Int64, isInitialEnd: Bool = false) -> [UInt8] {
        var metadata: JSON = ["resourceVersion": .string(String(revision)), "creationTimestamp": nil]
        if isInitialEnd { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        var text: [UInt8] = []
        beginFrame("BOOKMARK", &text)
        switch representation {
        case .object: (["kind": .string(kind.kind), "apiVersion": .string(kind.apiVersion), "metadata": metadata] as JSON).write(to: &text)
        case .partialMetadata(let version): LiveObject.partialMetadata(["metadata": metadata], version: version).write(to: &text)
        case .table(let version):
            beginTable(version: version, listMetadata: metadata, withColumns: false, &text)
            text.put("]}")
        }
        text.put("}\n")
        return text
    }

    static func errorFrame(_ error: StatusError) -> [UInt8] {
        (["type": "ERROR", "object": error.status] as JSON).bytes() + [0x0A]
    }

    // MARK: Parts

    private func beginFrame(_ type: String, _ text: inout [UInt8]) {
        text.put("{\"type\":\"")
        text.put(type)
        text.put("\",\"object\":")
    }

    private func beginList(kind: String, apiVersion: String, _ metadata: JSON, _ text: inout [UInt8]) {
        text.put("{\"kind\":\"\(kind)\",\"apiVersion\":\"\(apiVersion)\",\"metadata\":")
        metadata.write(to: &text)
        text.put(",\"items\":[")
    }

    private func beginTable(version: String, listMetadata: JSON, withColumns: Bool, _ text: inout [UInt8]) {
        text.put("{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/\(version)\",\"metadata\":")
        listMetadata.write(to: &text)
        text.put(",\"columnDefinitions\":")
        JSON.array(withColumns ? kind.columns.map(\.definition) : []).write(to: &text)
        text.put(",\"rows\":[")
    }

    private func row(_ object: LiveObject, _ text: inout [UInt8]) {
        text.put("{\"cells\":[")
        var isFirst = true
        for cell in kind.cells(object.json, now: now) {
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            cell.write(to: &text)
        }
        text.put("]")
        switch includedObject {
        case .none: break
        case .metadata:
            text.put(",\"object\":")
            // A table of v1beta1 carries metadata of v1beta1: old clients decode it by its own version.
            if case .table(let version) = representation { text += partialMetadata(object, version) }
        case .object:
            text.put(",\"object\":")
            text += object.bytes
        }
        text.put("}")
    }

    private func partialMetadata(_ object: LiveObject, _ version: String) -> [UInt8] {
        version == "v1" ? object.partialMetadataBytes : LiveObject.partialMetadata(object.json, version: version).bytes()
    }
}

extension [UInt8] {
    mutating func put(_ text: String) { append(contentsOf: text.utf8) }
}
