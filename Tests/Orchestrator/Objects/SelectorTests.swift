import JSON
import Objects
import Testing

@Suite struct SelectorTests {
    static let labels = ["app": "web", "tier": "front", "rank": "7", "a.b/c": ""]

    @Test(arguments: [
        ("", true), ("app=web", true), ("app==web", true), ("app = web , tier=front", true), ("app!=web", false), ("app!=db", true), ("missing!=x", true),
        ("app in (web, db)", true), ("app in (db)", false), ("app notin (db)", true), ("missing notin (db)", true), ("app notin (web)", false),
        ("app", true), ("missing", false), ("!missing", true), ("!app", false), ("rank>5", true), ("rank<5", false), ("rank>7", false),
        ("app>5", false), ("a.b/c=", true), ("a.b/c", true), ("missing=", false), ("app in (web),!missing,tier!=back", true), ("in in (in)", false),
        ("a.b/c in (,x)", true),
    ])
    func `matches or not`(text: String, isMatch: Bool) throws {
        let selector = try LabelSelector(parsing: text)
        #expect(selector.matches(Self.labels) == isMatch)
        #expect(selector.matches(JSON.strings(Self.labels)) == isMatch)
        #expect(try LabelSelector(parsing: selector.description).matches(Self.labels) == isMatch)
    }

    @Test(arguments: [
        ("app=web,", "found '', expected: identifier after ','"), ("=web", "found '=', expected: !, identifier, or 'end of string'"),
        ("app in web", "found 'web', expected: '('"), ("app in (web", "found '', expected: ',' or ')'"),
        ("app web", "found 'web', expected: in, notin, =, ==, !=, gt, lt"),
        ("app=web tier", "found 'tier', expected: ',' or 'end of string'"),
        ("app>x", "values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"),
        ("/a=b", "key: Invalid value: \"/a\": prefix part must be non-empty"), ("app=a$", "values[0][app]: Invalid value: \"a$\": a valid label must be"),
    ])
    func `refuses what is none`(text: String, problem: String) throws {
        let error = try #require(throws: StatusError.self) { try LabelSelector(parsing: text) }
        #expect(error.code == 400)
        #expect(error.message.hasPrefix("unable to parse requirement: " + problem), "\(error.message)")
    }

    @Test func `the object form`() throws {
        let selector = try LabelSelector(object: [
            "matchLabels": ["app": "web"],
            "matchExpressions": [["key": "tier", "operator": "In", "values": ["front", "back"]], ["key": "x", "operator": "DoesNotExist"]],
        ])
        #expect(selector.matches(Self.labels))
        #expect(selector.description == "app=web,tier in (back,front),!x")
        #expect(try !LabelSelector(object: .null).matches(Self.labels))
        #expect(try LabelSelector(object: [:]).matches(Self.labels))
        #expect(throws: StatusError.self) { try LabelSelector(object: ["matchExpressions": [["key": "a", "operator": "Like"]]]) }
    }

    @Test func `field selectors`() throws {
        let pod = try kind("Pod")
        let fields = pod.selectableFields(webPod.setting("spec.nodeName", "n1").setting("status", ["phase": "Running"]))
        for (text, isMatch) in [
            ("", true), ("spec.nodeName=n1", true), ("spec.nodeName==n1,status.phase!=Failed", true), ("status.phase!=Running", false),
            ("metadata.name=web", true), ("metadata.namespace=kube-system", false), ("status.podIP=", true),
        ] {
            #expect(try FieldSelector(parsing: text, for: pod).matches(fields) == isMatch, "\(text)")
        }
        #expect(try FieldSelector(parsing: "metadata.name=web", for: pod).requiredValue("metadata.name") == "web")
        #expect(try FieldSelector(parsing: #"metadata.name=a\,b\=c"#, for: pod).requiredValue("metadata.name") == "a,b=c")
        #expect(
            try #require(throws: StatusError.self) { try FieldSelector(parsing: "spec.color=red", for: pod) }.message == "field label not supported: spec.color"
        )
        #expect(
            try #require(throws: StatusError.self) { try FieldSelector(parsing: "web", for: pod) }.message == "invalid selector: 'web'; can't understand 'web'")
        #expect(throws: StatusError.self) { try FieldSelector(parsing: "metadata.namespace=x", for: kind("Node")) }
    }
}
