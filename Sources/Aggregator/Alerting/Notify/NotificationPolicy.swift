import Pattern
import Telemetry

/// Who is told of which alerts and how often: the part of Alertmanager's configuration that a small cluster wants, under
/// its names.
public struct NotificationPolicy: Sendable, Hashable {
    /// Alertmanagers that are told of everything: `http://host:9093`.
    public var alertmanagers: [String] = []
    /// Added to each alert that has no such label.
    public var externalLabels: [String: String] = [:]
    /// Where a person finds this server.
    public var externalURL = ""
    /// Where alerts go that no Alertmanager handles; nil tells nobody.
    public var route: Route?
    public var receivers: [Receiver] = []
    public var inhibitions: [Inhibition] = []
    public var silences: [Silence] = []

    public init() {}

    public func receiver(_ name: String) -> Receiver? { receivers.first { $0.name == name } }
}

/// A node of the tree of routes: an alert goes to the first child that matches it, and to further ones after `goesOn`.
public struct Route: Sendable, Hashable {
    public var receiver: String
    /// All must hold.
    public var matchers: [Matcher] = []
    /// Labels that make a group of alerts; `...` means all of them.
    public var groupBy: [String] = []
    /// Before the first word of a group, so that alerts of one cause come together.
    public var groupWait = Duration.seconds(30)
    /// Between words of a group that has changed.
    public var groupInterval = Duration.seconds(300)
    /// Between words of a group that has not.
    public var repeatInterval = Duration.seconds(4 * 3600)
    public var goesOn = false
    public var routes: [Route] = []

    public init(receiver: String) { self.receiver = receiver }

    /// The nodes that take an alert, each with its place in the tree.
    func routes(for labels: Labels, place: String = "") -> [(route: Route, place: String)] {
        guard matchers.allSatisfy({ $0.accepts(labels) }) else { return [] }
        var found: [(route: Route, place: String)] = []
        for (position, child) in routes.enumerated() {
            let deeper = child.routes(for: labels, place: "\(place)/\(position)")
            found += deeper
            if !deeper.isEmpty, !child.goesOn { break }
        }
        return found.isEmpty ? [(self, place)] : found
    }

    /// The labels that name an alert's group.
    func groupLabels(of labels: Labels) -> Labels {
        groupBy == ["..."] ? labels : labels.filter { groupBy.contains($0.name) }
    }
}

/// Whoever is told.
public struct Receiver: Sendable, Hashable {
    public enum Way: Sendable, Hashable {
        case webhook(url: String)
        case email(Email)
        /// A program that gets the webhook's JSON on its standard input.
        case command([String])
    }
    public var name: String
    public var ways: [(way: Way, sendsResolved: Bool)]

    public init(name: String, ways: [(way: Way, sendsResolved: Bool)] = []) {
        self.name = name
        self.ways = ways
    }

    public static func == (a: Receiver, b: Receiver) -> Bool {
        a.name == b.name && a.ways.elementsEqual(b.ways) { $0.way == $1.way && $0.sendsResolved == $1.sendsResolved }
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }

    public struct Email: Sendable, Hashable {
        public var to: [String]
        public var from: String
        /// `host:port` of the mail server.
        public var smarthost: String
        public var username = ""
        public var passwordFile = ""
        public var requiresTLS = true

        public init(to: [String], from: String, smarthost: String) {
            self.to = to
            self.from = from
            self.smarthost = smarthost
        }
    }
}

/// A target alert is not told of while a source alert fires that has the same `equal` labels.
public struct Inhibition: Sendable, Hashable {
    public var source: [Matcher]
    public var target: [Matcher]
    public var equal: [String]

    public init(source: [Matcher], target: [Matcher], equal: [String]) {
        self.source = source
        self.target = target
        self.equal = equal
    }

    func inhibits(_ labels: Labels, by firing: [Labels]) -> Bool {
        guard target.allSatisfy({ $0.accepts(labels) }) else { return false }
        return firing.contains { other in
            guard source.allSatisfy({ $0.accepts(other) }), equal.allSatisfy({ labels[$0] == other[$0] }) else { return false }
            // An alert that is source and target does not silence itself.
            return !target.allSatisfy { $0.accepts(other) } || other != labels
        }
    }
}

/// Alerts that are not told of for a time.
public struct Silence: Sendable, Hashable {
    public var matchers: [Matcher]
    public var from: Timestamp?
    public var until: Timestamp?
    public var comment: String

    public init(matchers: [Matcher], from: Timestamp? = nil, until: Timestamp? = nil, comment: String = "") {
        self.matchers = matchers
        self.from = from
        self.until = until
        self.comment = comment
    }

    func silences(_ labels: Labels, at now: Timestamp) -> Bool {
        (from.map { $0 <= now } ?? true) && (until.map { now < $0 } ?? true) && matchers.allSatisfy { $0.accepts(labels) }
    }
}
