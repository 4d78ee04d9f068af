import JSON
import PromQL
import Telemetry
import YAML

extension NotificationPolicy {
    /// Reads a file in Alertmanager's form (`route`, `receivers` with `webhook_configs` and `email_configs`,
    /// `inhibit_rules`) with what we add: `alertmanagers`, `external_labels`, `external_url`, `command_configs`, `silences`.
    /// Returns it with everything that is wrong with it; a policy with errors must not be used.
    public static func parse(_ bytes: [UInt8], path: String) -> (policy: NotificationPolicy, errors: [RuleFileError]) {
        var reader = PolicyReader(path: path)
        do {
            let documents = try YAMLParser.documents(bytes, file: path)
            return (reader.policy(documents.first ?? .null), reader.errors)
        } catch {
            return (NotificationPolicy(), [RuleFileError(file: path, problem: "\(error)")])
        }
    }
}

private struct PolicyReader {
    let path: String
    var errors: [RuleFileError] = []

    init(path: String) { self.path = path }

    mutating func policy(_ document: JSON) -> NotificationPolicy {
        var policy = NotificationPolicy()
        check(
            document, ["alertmanagers", "external_labels", "external_url", "route", "receivers", "inhibit_rules", "silences", "global"], "")
        policy.alertmanagers = texts(document["alertmanagers"], "alertmanagers").map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        for (position, text) in policy.alertmanagers.enumerated() where !text.hasPrefix("http://") && !text.hasPrefix("https://") {
            fail("alertmanagers[\(position)]", "\"\(text)\" is no http:// or https:// address, such as http://127.0.0.1:9093")
        }
        policy.externalLabels = document["external_labels"].stringMap
        policy.externalURL = document["external_url"].string ?? ""
        let global = document["global"]
        check(global, ["smtp_smarthost", "smtp_from", "smtp_auth_username", "smtp_auth_password_file", "smtp_require_tls"], "global")
        for (position, item) in (document["receivers"].array ?? []).enumerated() {
            if let receiver = receiver(item, global, "receivers[\(position)]") { policy.receivers.append(receiver) }
        }
        if !document["route"].isNull { policy.route = route(document["route"], under: nil, names: Set(policy.receivers.map(\.name)), "route") }
        for (position, item) in (document["inhibit_rules"].array ?? []).enumerated() {
            let place = "inhibit_rules[\(position)]"
            check(item, ["source_matchers", "target_matchers", "equal"], place)
            policy.inhibitions.append(
                Inhibition(
                    source: matchers(item["source_matchers"], "\(place).source_matchers"),
                    target: matchers(item["target_matchers"], "\(place).target_matchers"), equal: texts(item["equal"], "\(place).equal")))
        }
        for (position, item) in (document["silences"].array ?? []).enumerated() {
            let place = "silences[\(position)]"
            check(item, ["matchers", "from", "until", "comment"], place)
            let found = matchers(item["matchers"], "\(place).matchers")
            if found.isEmpty { fail(place, "needs matchers; a silence of everything is written as [\"alertname=~.+\"]") }
            policy.silences.append(
                Silence(
                    matchers: found, from: time(item["from"], "\(place).from"), until: time(item["until"], "\(place).until"),
                    comment: item["comment"].string ?? ""))
        }
        return policy
    }

    private mutating func receiver(_ document: JSON, _ global: JSON, _ place: String) -> Receiver? {
        check(document, ["name", "webhook_configs", "email_configs", "command_configs"], place)
        guard let name = document["name"].string, !name.isEmpty else {
            fail(place, "has no name")
            return nil
        }
        var receiver = Receiver(name: name)
        for (position, item) in (document["webhook_configs"].array ?? []).enumerated() {
            let place = "\(place).webhook_configs[\(position)]"
            check(item, ["url", "send_resolved"], place)
            guard let url = item["url"].string, url.hasPrefix("http://") || url.hasPrefix("https://") else {
                fail("\(place).url", "expected an http:// or https:// address")
                continue
            }
            receiver.ways.append((.webhook(url: url), item["send_resolved"].bool ?? true))
        }
        for (position, item) in (document["email_configs"].array ?? []).enumerated() {
            if let email = email(item, global, "\(place).email_configs[\(position)]") {
                receiver.ways.append((.email(email), item["send_resolved"].bool ?? false))
            }
        }
        for (position, item) in (document["command_configs"].array ?? []).enumerated() {
            let place = "\(place).command_configs[\(position)]"
            check(item, ["command", "send_resolved"], place)
            let command = texts(item["command"], "\(place).command")
            guard let program = command.first, program.hasPrefix("/") else {
                fail("\(place).command", "expected a list whose first item is the program's whole path")
                continue
            }
            receiver.ways.append((.command(command), item["send_resolved"].bool ?? true))
        }
        return receiver
    }

    private mutating func email(_ item: JSON, _ global: JSON, _ place: String) -> Receiver.Email? {
        check(item, ["to", "from", "smarthost", "auth_username", "auth_password_file", "require_tls", "send_resolved"], place)
        let to = (item["to"].string ?? "").split(separator: ",").map { $0.drop { $0 == " " } }.map(String.init)
        guard !to.isEmpty, let from = item["from"].string ?? global["smtp_from"].string,
            let smarthost = item["smarthost"].string ?? global["smtp_smarthost"].string
        else {
            fail(place, "needs to, from and smarthost (host:port); from and smarthost may stand in global as smtp_from and smtp_smarthost")
            return nil
        }
        // An address goes into the dialogue with the mail server as it is.
        for text in to + [from, smarthost] where text.utf8.contains(where: { $0 < 0x21 || $0 == 0x7F }) {
            fail(place, "\"\(text)\" holds a space or a control character")
            return nil
        }
        guard SMTPAddress(smarthost) != nil else {
            fail(place, "smarthost is \"\(smarthost)\", expected host:port such as mail.example.org:587")
            return nil
        }
        var email = Receiver.Email(to: to, from: from, smarthost: smarthost)
        email.username = item["auth_username"].string ?? global["smtp_auth_username"].string ?? ""
        email.passwordFile = item["auth_password_file"].string ?? global["smtp_auth_password_file"].string ?? ""
        email.requiresTLS = item["require_tls"].bool ?? global["smtp_require_tls"].bool ?? true
        return email
    }

    private mutating func route(_ document: JSON, under parent: Route?, names: Set<String>, _ place: String) -> Route {
        check(
            document, ["receiver", "matchers", "group_by", "group_wait", "group_interval", "repeat_interval", "continue", "routes"], place)
        var route = parent ?? Route(receiver: "")
        route.routes = []
        route.receiver = document["receiver"].string ?? route.receiver
        if !names.contains(route.receiver) {
            fail("\(place).receiver", route.receiver.isEmpty ? "is not set" : "\"\(route.receiver)\" is not among the receivers")
        }
        route.matchers = matchers(document["matchers"], "\(place).matchers")
        if parent == nil, !route.matchers.isEmpty { fail("\(place).matchers", "the topmost route takes every alert and has no matchers") }
        if !document["group_by"].isNull { route.groupBy = texts(document["group_by"], "\(place).group_by") }
        for (field, path) in [
            ("group_wait", \Route.groupWait), ("group_interval", \Route.groupInterval), ("repeat_interval", \Route.repeatInterval),
        ] where !document[field].isNull {
            guard let text = document[field].string, let milliseconds = NumberText.parseDuration(Array(text.utf8)) else {
                fail("\(place).\(field)", "expected a duration such as 30s or 4h")
                continue
            }
            route[keyPath: path] = .milliseconds(milliseconds)
        }
        if route.groupInterval < .seconds(1) { fail("\(place).group_interval", "must be at least 1s") }
        route.goesOn = document["continue"].bool ?? false
        let base = route
        route.routes = (document["routes"].array ?? []).enumerated().map { position, child in
            self.route(child, under: base, names: names, "\(place).routes[\(position)]")
        }
        return route
    }

    /// `severity="page"`, `severity=page`, `pod=~"web.*"`.
    private mutating func matchers(_ document: JSON, _ place: String) -> [Matcher] {
        texts(document, place).compactMap { text in
            guard let start = text.firstIndex(where: { "=!".contains($0) }) else {
                fail(place, "\"\(text)\": expected a label, one of = != =~ !~, and a value")
                return nil
            }
            let name = text[..<start].filter { $0 != " " }
            let word = ["=~", "!~", "!=", "="].first { text[start...].hasPrefix($0) }
            guard let word, let operation = Matcher.Operation(rawValue: word), !name.isEmpty else {
                fail(place, "\"\(text)\": expected a label, one of = != =~ !~, and a value")
                return nil
            }
            var value = text[start...].dropFirst(word.count).drop { $0 == " " }
            if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") { value = value.dropFirst().dropLast() }
            do {
                return try Matcher(name, operation, String(value))
            } catch {
                fail(place, "\"\(text)\": \(error)")
                return nil
            }
        }
    }

    private mutating func texts(_ document: JSON, _ place: String) -> [String] {
        guard !document.isNull else { return [] }
        guard let list = document.array else {
            fail(place, "expected a list")
            return []
        }
        return list.compactMap { item in
            if item.string == nil { fail(place, "expected a list of texts") }
            return item.string
        }
    }

    private mutating func time(_ document: JSON, _ place: String) -> Timestamp? {
        guard !document.isNull else { return nil }
        guard let text = document.string, let time = CivilTime.parse(text) else {
            fail(place, "expected a time such as 2026-11-24T18:00:00Z")
            return nil
        }
        return time.timestamp
    }

    private mutating func check(_ document: JSON, _ fields: Set<String>, _ place: String) {
        guard !document.isNull else { return }
        guard let members = document.object else {
            fail(place, "expected a map")
            return
        }
        for name in members.map(\.key) where !fields.contains(name) {
            fail(place, "unknown field \"\(name)\"; expected one of \(fields.sorted().joined(separator: ", "))")
        }
    }

    private mutating func fail(_ place: String, _ problem: String) { errors.append(RuleFileError(file: path, place: place, problem: problem)) }
}
