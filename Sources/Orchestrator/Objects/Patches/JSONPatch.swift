import JSON

/// JSON patch (RFC 6902).
public enum JSONPatch {
    /// Kubernetes' own bound.
    static let maximumOperations = 10_000

    /// - Throws: 400 for what is no patch, 413 for one that is too long, 422 for one that does not fit the object or whose
    ///   `test` fails.
    public static func apply(_ patch: JSON, to object: JSON) throws(StatusError) -> JSON {
        guard case .array(let operations) = patch else {
            throw StatusError(.badRequest, "error decoding patch: a JSON patch is an array of operations, not \(patch.typeName)")
        }
        guard operations.count <= maximumOperations else {
            throw StatusError(
                .requestEntityTooLarge,
                "The allowed maximum operations in a JSON patch is \(maximumOperations), got \(operations.count)")
        }
        var result = object
        for operation in operations { result = try apply(operation: operation, to: result) }
        return result
    }

    private static func apply(operation: JSON, to object: JSON) throws(StatusError) -> JSON {
        guard let name = operation["op"].string, let path = operation["path"].string else {
            throw StatusError(.badRequest, "error decoding patch: each operation needs \"op\" and \"path\"")
        }
        let target = try steps(path)
        func given() throws(StatusError) -> JSON {
            guard operation.members.contains("value") else {
                throw StatusError(.badRequest, "error decoding patch: operation \"\(name)\" on \"\(path)\" needs a \"value\"")
            }
            return operation["value"]
        }
        func source() throws(StatusError) -> [String] { try steps(operation["from"].string ?? "") }
        switch name {
        case "add":
            return try edit(object, target[...], path) { _ throws(StatusError) in
                try given()
            } insert: {
                true
            }
        case "replace":
            _ = try value(object, target, path)
            return try edit(object, target[...], path) { _ throws(StatusError) in
                try given()
            } insert: {
                false
            }
        case "remove":
            return try edit(object, target[...], path) { _ throws(StatusError) in
                nil
            } insert: {
                false
            }
        case "copy", "move":
            let from = try source()
            let moved = try value(object, from, operation["from"].string ?? "")
            var base = object
            if name == "move" {
                // Into itself there is no place left to put it.
                guard !(target.count > from.count && target.starts(with: from)) else {
                    throw unfit("cannot move \"/\(from.joined(separator: "/"))\" into itself")
                }
                base = try edit(object, from[...], path) { _ throws(StatusError) in
                    nil
                } insert: {
                    false
                }
            }
            return try edit(base, target[...], path) { _ throws(StatusError) in
                moved
            } insert: {
                true
            }
        case "test":
            let expected = try given()
            let present = (try? value(object, target, path)) ?? .null
            guard present == expected else { throw unfit("testing value \(path) failed") }
            return object
        default: throw StatusError(.badRequest, "error decoding patch: unexpected kind: \(name)")
        }
    }

    private static func unfit(_ problem: String) -> StatusError {
        StatusError(
            .invalid, "the server rejected our request due to an error in our request: \(problem)",
            details: ["causes": [["reason": "UnexpectedServerResponse", "message": .string(problem)]]])
    }

    /// The parts of a JSON pointer (RFC 6901).
    private static func steps(_ pointer: String) throws(StatusError) -> [String] {
        guard !pointer.isEmpty else { return [] }
        guard pointer.hasPrefix("/") else { throw unfit("\"\(pointer)\" is no JSON pointer; it must start with \"/\"") }
        return pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            guard part.contains("~") else { return String(part) }
            var text = ""
            var isEscaped = false
            for character in part {
                if isEscaped {
                    text += character == "1" ? "/" : character == "0" ? "~" : "~\(character)"
                    isEscaped = false
                } else if character == "~" {
                    isEscaped = true
                } else {
                    text.append(character)
                }
            }
            return isEscaped ? text + "~" : text
        }
    }

    private static func value(_ object: JSON, _ steps: [String], _ path: String) throws(StatusError) -> JSON {
        var current = object
        for step in steps {
            switch current {
            case .object(let members):
                guard let next = members[step] else { throw missing(path) }
                current = next
            case .array(let elements): current = elements[try index(step, in: elements.indices, path)]
            default: throw missing(path)
            }
        }
        return current
    }

    private static func missing(_ path: String) -> StatusError { unfit("path \(path) does not exist") }

    private static func index(_ step: String, in indices: Range<Int>, _ path: String) throws(StatusError) -> Int {
        // No leading zeros and no sign (RFC 6901, section 4).
        guard let index = Int(step), String(index) == step, indices.contains(index) else { throw missing(path) }
        return index
    }

    /// Rebuilds the way down to the last step and puts the new value there, or takes it away if it is nil.
    private static func edit(
        _ object: JSON, _ steps: ArraySlice<String>, _ path: String, _ new: (JSON?) throws(StatusError) -> JSON?, insert: () -> Bool
    ) throws(StatusError) -> JSON {
        guard let step = steps.first else {
            guard let value = try new(object) else { throw unfit("cannot remove the whole object") }
            return value
        }
        let isLast = steps.count == 1
        switch object {
        case .object(var members):
            if isLast {
                guard let value = try new(members[step]) else {
                    guard members.remove(step) != nil else { throw missing(path) }
                    return .object(members)
                }
                members[step] = value
            } else {
                guard let next = members[step] else { throw missing(path) }
                members[step] = try edit(next, steps.dropFirst(), path, new, insert: insert)
            }
            return .object(members)
        case .array(var elements):
            if isLast, insert() {
                guard let value = try new(nil) else { throw missing(path) }
                let index = step == "-" ? elements.count : try index(step, in: 0..<elements.count + 1, path)
                elements.insert(value, at: index)
                return .array(elements)
            }
            let index = try index(step, in: elements.indices, path)
            if isLast {
                if let value = try new(elements[index]) { elements[index] = value } else { elements.remove(at: index) }
            } else {
                elements[index] = try edit(elements[index], steps.dropFirst(), path, new, insert: insert)
            }
            return .array(elements)
        default: throw missing(path)
        }
    }
}
