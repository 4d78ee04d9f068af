/// The members of a JSON object in the order in which they came.
///
/// Lookup is linear for up to 16 members, which is nearly every Kubernetes object, and by a hash
/// index above that, so that a document of many members costs no quadratic time.
public struct JSONObject: Sendable {
    private var storage: [(key: String, value: JSON)] = []
    private var index: [String: Int]?

    private static let linearLimit = 16

    public init() {}

    /// Of members with one key the last wins, at the place of the first.
    public init(_ members: [(String, JSON)]) {
        storage.reserveCapacity(members.count)
        for (key, value) in members { self[key] = value }
    }

    public var count: Int { storage.count }
    public var isEmpty: Bool { storage.isEmpty }
    public var keys: [String] { storage.map(\.key) }

    private func position(of key: String) -> Int? {
        if let index { return index[key] }
        for position in storage.indices where storage[position].key == key { return position }
        return nil
    }

    public func contains(_ key: String) -> Bool { position(of: key) != nil }

    /// Setting nil takes the member away; a new member goes to the end.
    public subscript(key: String) -> JSON? {
        get { position(of: key).map { storage[$0].value } }
        set {
            guard let newValue else {
                remove(key)
                return
            }
            if let position = position(of: key) {
                storage[position].value = newValue
            } else {
                append(key, newValue)
            }
        }
    }

    /// Adds a member that is known to be new. The caller has looked.
    private mutating func append(_ key: String, _ value: JSON) {
        storage.append((key, value))
        if index != nil {
            index?[key] = storage.count - 1
        } else if storage.count > Self.linearLimit {
            index = Dictionary(uniqueKeysWithValues: storage.enumerated().map { ($1.key, $0) })
        }
    }

    @discardableResult
    public mutating func remove(_ key: String) -> JSON? {
        guard let position = position(of: key) else { return nil }
        let old = storage.remove(at: position).value
        if index != nil {
            index = Dictionary(uniqueKeysWithValues: storage.enumerated().map { ($1.key, $0) })
        }
        return old
    }

    /// The same members sorted by key.
    public func sorted() -> JSONObject {
        var copy = self
        copy.storage.sort { $0.key < $1.key }
        if index != nil { copy.index = Dictionary(uniqueKeysWithValues: copy.storage.enumerated().map { ($1.key, $0) }) }
        return copy
    }
}

extension JSONObject: Sequence {
    public func makeIterator() -> IndexingIterator<[(key: String, value: JSON)]> { storage.makeIterator() }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        for position in left.storage.indices {
            let (key, value) = left.storage[position]
            // The common case: the same order.
            if right.storage[position].key == key {
                if right.storage[position].value != value { return false }
            } else if right[key] != value {
                return false
            }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        // Order must not matter: combine the members' own hashes by a commutative sum.
        var sum = 0
        for (key, value) in storage {
            var member = Hasher()
            member.combine(key)
            member.combine(value)
            sum &+= member.finalize()
        }
        hasher.combine(sum)
    }
}
