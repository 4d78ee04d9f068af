import HTTP
import JSON
import Objects

/// Which objects a list, a watch or a deletion of a collection is about.
struct Selection: Sendable {
    var labels = LabelSelector.everything
    var fields = FieldSelector.everything

    var isEverything: Bool { labels.requirements.isEmpty && !labels.matchesNothing && fields.requirements.isEmpty }

    init() {}

    init(labelSelector: String?, fieldSelector: String?, kind: Kind) throws(StatusError) {
        if let labelSelector, !labelSelector.isEmpty { labels = try LabelSelector(parsing: labelSelector) }
        if let fieldSelector, !fieldSelector.isEmpty { fields = try FieldSelector(parsing: fieldSelector, for: kind) }
    }

    func matches(_ object: JSON, kind: Kind) -> Bool {
        if !labels.requirements.isEmpty || labels.matchesNothing, !labels.matches(object["metadata"]["labels"]) { return false }
        if !fields.requirements.isEmpty, !fields.matches(kind.selectableFields(object)) { return false }
        return true
    }
}

struct ListOptions: Sendable {
    enum Version: Hashable, Sendable {
        case newest
        case notOlderThan(Int64)
        case exactly(Int64)
    }
    var selection = Selection()
    var limit: Int?
    var continuation: String?
    var version = Version.newest

    init() {}

    init(_ request: HTTPRequest, kind: Kind) throws(StatusError) {
        selection = try Selection(
            labelSelector: request.parameter("labelSelector"), fieldSelector: request.parameter("fieldSelector"), kind: kind)
        limit = try request.integer("limit").flatMap { $0 > 0 ? $0 : nil }
        if let token = request.parameter("continue"), !token.isEmpty { continuation = token }
        let match = request.parameter("resourceVersionMatch") ?? ""
        guard let revision = try request.resourceVersion else {
            guard match.isEmpty else {
                throw StatusError(.badRequest, "resourceVersionMatch is forbidden unless resourceVersion is provided")
            }
            return
        }
        switch match {
        case "Exact":
            guard revision > 0 else { throw StatusError(.badRequest, "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"") }
            version = .exactly(revision)
        case "", "NotOlderThan": version = revision > 0 ? .notOlderThan(revision) : .newest
        default: throw StatusError(.badRequest, "resourceVersionMatch: Unsupported value: \"\(match)\": supported values: \"Exact\", \"NotOlderThan\"")
        }
    }
}

struct WatchOptions: Sendable {
    var selection = Selection()
    /// Changes after this; nil sends what is there first.
    var revision: Int64?
    var allowsBookmarks = false
    /// End the initial objects by a bookmark that says so (`sendInitialEvents`).
    var marksInitialEnd = false
    var timeout: Duration

    init(_ request: HTTPRequest, kind: Kind, name: String?) throws(StatusError) {
        var fields = request.parameter("fieldSelector") ?? ""
        if let name { fields += (fields.isEmpty ? "" : ",") + "metadata.name=\(name)" }
        selection = try Selection(labelSelector: request.parameter("labelSelector"), fieldSelector: fields, kind: kind)
        allowsBookmarks = request.flag("allowWatchBookmarks")
        marksInitialEnd = request.flag("sendInitialEvents")
        revision = try request.resourceVersion.flatMap { $0 > 0 ? $0 : nil }
        if marksInitialEnd {
            guard request.parameter("resourceVersionMatch") == "NotOlderThan" else {
                throw StatusError(
                    .invalid,
                    "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
                )
            }
            revision = nil
        }
        // Spread over half an hour, so that watches that began together do not come back together.
        let seconds = try request.integer("timeoutSeconds").flatMap { $0 > 0 ? $0 : nil } ?? Int.random(in: 1800..<3600)
        timeout = .seconds(seconds)
    }
}

/// How a write treats unknown fields, and whether it is for show.
struct WriteOptions: Sendable {
    enum FieldValidation: String, Sendable { case strict = "Strict", warn = "Warn", ignore = "Ignore" }
    var isDryRun = false
    var fieldValidation = FieldValidation.warn
    /// False for what the server itself makes at its start.
    var isValidated = true

    init() {}

    init(_ request: HTTPRequest) throws(StatusError) {
        isDryRun = try Self.dryRun(request.parameters("dryRun"))
        if let text = request.parameter("fieldValidation"), !text.isEmpty {
            guard let value = FieldValidation(rawValue: text) else {
                throw StatusError(.badRequest, "fieldValidation: Unsupported value: \"\(text)\": supported values: \"Ignore\", \"Warn\", \"Strict\"")
            }
            fieldValidation = value
        }
        if let manager = request.parameter("fieldManager"), manager.utf8.count > 128 {
            throw StatusError(.badRequest, "fieldManager: Too long: may not be longer than 128")
        }
    }

    static func dryRun(_ values: [String]) throws(StatusError) -> Bool {
        for value in values where value != "All" {
            throw StatusError(.badRequest, "dryRun: Unsupported value: \"\(value)\": supported values: \"All\"")
        }
        return !values.isEmpty
    }
}

/// `meta/v1 DeleteOptions`, from the body or from the query.
struct DeleteOptions: Sendable {
    var gracePeriodSeconds: Int?
    var uid: String?
    var resourceVersion: String?
    var propagation: String?
    var isDryRun = false

    init(gracePeriodSeconds: Int? = nil, uid: String? = nil, propagation: String? = nil) {
        self.gracePeriodSeconds = gracePeriodSeconds
        self.uid = uid
        self.propagation = propagation
    }

    init(_ request: HTTPRequest, body: JSON) throws(StatusError) {
        try self.init(body)
        // The body wins over the query, as in Kubernetes.
        if gracePeriodSeconds == nil { gracePeriodSeconds = try request.integer("gracePeriodSeconds") }
        if propagation == nil { propagation = request.parameter("propagationPolicy") }
        isDryRun = try WriteOptions.dryRun(request.parameters("dryRun")) || isDryRun
        try check()
    }

    init(_ body: JSON) throws(StatusError) {
        gracePeriodSeconds = body["gracePeriodSeconds"].int
        uid = body["preconditions"]["uid"].string
        resourceVersion = body["preconditions"]["resourceVersion"].string
        propagation = body["propagationPolicy"].string
        if propagation == nil, let orphan = body["orphanDependents"].bool { propagation = orphan ? "Orphan" : "Background" }
        isDryRun = try WriteOptions.dryRun(body["dryRun"].elements.compactMap(\.string))
        try check()
    }

    private func check() throws(StatusError) {
        if let propagation, !["Background", "Foreground", "Orphan"].contains(propagation) {
            throw StatusError(
                .invalid,
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"\(propagation)\": "
                    + "supported values: \"Background\", \"Foreground\", \"Orphan\"")
        }
    }
}

extension HTTPRequest {
    /// `true`, `1` and a bare name are yes.
    func flag(_ name: String) -> Bool { parameter(name).map { ["true", "1", "", "True", "TRUE", "t", "T"].contains($0) } ?? false }

    func integer(_ name: String) throws(StatusError) -> Int? {
        guard let text = parameter(name), !text.isEmpty else { return nil }
        guard let value = Int(text) else { throw StatusError(.badRequest, "strconv.ParseInt: parsing \"\(text)\": invalid syntax (\(name))") }
        return value
    }

    /// Nil if the parameter is absent or empty.
    var resourceVersion: Int64? {
        get throws(StatusError) {
            guard let text = parameter("resourceVersion"), !text.isEmpty else { return nil }
            return try Int64(resourceVersion: text)
        }
    }
}

extension Int64 {
    init(resourceVersion text: String) throws(StatusError) {
        guard let value = Int64(text), value >= 0 else {
            throw StatusError(.badRequest, "Invalid value: \"\(text)\": resourceVersion must be a whole number")
        }
        self = value
    }
}
