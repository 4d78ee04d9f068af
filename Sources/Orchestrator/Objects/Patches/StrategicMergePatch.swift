import JSON

/// Strategic merge patch: like a merge patch, but lists whose elements have a key are merged by it (the schema says which),
/// and directives in the patch say more.
///
/// - `$patch: replace | delete | merge` in an object, or in an element of a keyed list.
/// - `$deleteFromPrimitiveList/FIELD: […]` takes scalars out of a list.
/// - `$setElementOrder/FIELD: […]` gives the order of the merged list.
/// - `$retainKeys: […]` drops all other members of the object.
struct StrategicMergePatch {
    private static let deleteList = "$deleteFromPrimitiveList/"
    private static let elementOrder = "$setElementOrder/"

    static func apply(_ patch: JSON, to object: JSON, schema: Schema?) throws(StatusError) -> JSON {
        guard case .object(let changes) = patch else {
            throw StatusError(.badRequest, "error decoding patch: a strategic merge patch is an object, not \(patch.typeName)")
        }
        return try merge(changes, into: object.members, schema).map { .object($0) } ?? [:]
    }

    /// Nil if the patch says that the object goes.
    private static func merge(_ patch: JSONObject, into original: JSONObject, _ schema: Schema?) throws(StatusError) -> JSONObject? {
        switch patch["$patch"] {
        case nil, .string("merge"): break
        case .string("replace"):
            var replacement = patch
            replacement.remove("$patch")
            return replacement
        case .string("delete"): return nil
        case let other?: throw StatusError(.badRequest, "unknown patch type: \(other)")
        }
        var result = original
        if let retained = patch["$retainKeys"] {
            let keys = Set(retained.elements.compactMap(\.string))
            for (key, value) in patch where !key.hasPrefix("$") && !value.isNull && !keys.contains(key) {
                throw StatusError(.badRequest, "$retainKeys list must contains all fields present in the patch: \(key) is missing")
            }
            for key in original.keys where !keys.contains(key) { result.remove(key) }
        }
        for (key, change) in patch {
            if key == "$patch" || key == "$retainKeys" { continue }
            if key.hasPrefix(deleteList) {
                let field = String(key.dropFirst(deleteList.count))
                guard let list = result[field] else { continue }
                let gone = change.elements
                result[field] = .array(list.elements.filter { !gone.contains($0) })
                continue
            }
            if key.hasPrefix(elementOrder) {
                // With a patch of the same list the order is part of that merge; alone it only sorts.
                let field = String(key.dropFirst(elementOrder.count))
                guard patch[field] == nil, let list = result[field], let rule = rule(schema, field, list.elements, change.elements) else { continue }
                result[field] = .array(ordered(list.elements, by: change.elements, original: list.elements, rule))
                continue
            }
            if change.isNull {
                result.remove(key)
                continue
            }
            result[key] = try merged(change, into: result[key], field: schema?.field(key), order: patch[elementOrder + key], key)
        }
        return result
    }

    private static func merged(_ change: JSON, into old: JSON?, field: Field?, order: JSON?, _ key: String) throws(StatusError) -> JSON? {
        switch change {
        case .object(let members):
            // Into nothing as well, so that nulls and directives do not end up in the object.
            let schema = if case .object(let schema)? = field?.type { schema } else { nil as Schema? }
            return try merge(members, into: old?.members ?? JSONObject(), schema).map { .object($0) }
        case .array(let elements):
            guard let rule = ListRule(field) else { return change }
            guard let merged = try mergeList(elements, into: old?.elements ?? [], rule, key) else { return change }
            guard let order else { return .array(merged) }
            return .array(ordered(merged, by: order.elements, original: old?.elements ?? [], rule, patched: elements))
        default: return change
        }
    }

    /// How a list merges: by a key of its objects, or as a set of scalars.
    private enum ListRule {
        case key(String, Schema?)
        case set

        init?(_ field: Field?) {
            guard let field, case .list(let element) = field.type else { return nil }
            if let key = field.mergeKey {
                self = .key(key, element.schema)
            } else if field.isPrimitiveSet {
                self = .set
            } else {
                return nil
            }
        }

        /// What tells one element from another.
        func identity(_ element: JSON) -> JSON {
            switch self {
            case .set: return element
            case .key(let key, _):
                // Of an order list the elements may hold nothing but the key.
                return element[key]
            }
        }
    }

    private static func rule(_ schema: Schema?, _ field: String, _ list: [JSON], _ order: [JSON]) -> ListRule? { ListRule(schema?.field(field)) }

    /// Nil if the patch's list replaces the old one as it stands.
    private static func mergeList(_ patch: [JSON], into original: [JSON], _ rule: ListRule, _ name: String) throws(StatusError) -> [JSON]? {
        guard case .key(let key, let schema) = rule else {
            var result = original
            for element in patch where !result.contains(element) { result.append(element) }
            return result
        }
        if patch.contains(where: { $0["$patch"].string == "replace" }) {
            return patch.filter { $0["$patch"].string != "replace" }
        }
        var result = original
        for element in patch {
            guard case .object(var members) = element else {
                throw StatusError(.badRequest, "\(name): expected an object with \"\(key)\" in a list that is merged by it, found \(element)")
            }
            guard let identity = members[key], !identity.isNull else {
                throw StatusError(.badRequest, "map: \(element) does not contain declared merge key: \(key)")
            }
            let position = result.firstIndex { $0[key] == identity }
            if members["$patch"]?.string == "delete" {
                // Every element with the key goes: a port may stand twice, for two protocols.
                result.removeAll { $0[key] == identity }
                continue
            }
            if members["$patch"]?.string == "merge" { members.remove("$patch") }
            let merged = try merge(members, into: position.map { result[$0].members } ?? JSONObject(), schema)
            guard let merged else { continue }
            if let position { result[position] = .object(merged) } else { result.append(.object(merged)) }
        }
        return result
    }

    /// The elements that the order names stand in that order. Those it does not name (somebody else added them) stay before
    /// the first element that came after them in the original list.
    private static func ordered(_ merged: [JSON], by order: [JSON], original: [JSON], _ rule: ListRule, patched: [JSON] = []) -> [JSON] {
        var wanted: [JSON: Int] = [:]
        for (index, element) in order.enumerated() {
            let identity = rule.identity(element)
            if wanted[identity] == nil { wanted[identity] = index }
        }
        var places: [JSON: Int] = [:]
        for (index, element) in original.enumerated() where places[rule.identity(element)] == nil { places[rule.identity(element)] = index }

        let named = merged.enumerated().filter { wanted[rule.identity($0.element)] != nil }.sorted {
            let (left, right) = (wanted[rule.identity($0.element)] ?? 0, wanted[rule.identity($1.element)] ?? 0)
            return left == right ? $0.offset < $1.offset : left < right
        }.map(\.element)
        let others = merged.filter { wanted[rule.identity($0)] == nil }
        var result: [JSON] = []
        var (left, right) = (0, 0)
        while left < named.count || right < others.count {
            if right == others.count {
                result.append(named[left])
                left += 1
            } else if left < named.count, let place = places[rule.identity(named[left])], let other = places[rule.identity(others[right])],
                place < other
            {
                result.append(named[left])
                left += 1
            } else {
                result.append(others[right])
                right += 1
            }
        }
        return result
    }
}
