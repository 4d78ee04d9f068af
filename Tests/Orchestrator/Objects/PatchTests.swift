import JSON
import Objects
import Testing

@Suite struct PatchTests {
    @Test(arguments: [
        // RFC 7386, appendix A.
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#), (#"{"a":"b"}"#, #"{"a":null}"#, "{}"),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"["a"]"#, #"{"a":1}"#, #"{"a":1}"#), (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func `merge patches`(object: String, patch: String, result: String) throws {
        #expect(try MergePatch.apply(json(patch), to: json(object)) == json(result))
    }

    @Test(arguments: [
        // RFC 6902, appendix A.
        (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#, #"{"baz":"qux","foo":"bar"}"#),
        (#"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#, #"{"foo":["bar","qux","baz"]}"#),
        (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#),
        (#"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["bar","baz"]}"#),
        (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#, #"{"baz":"boo","foo":"bar"}"#),
        (
            #"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#, #"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
            #"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#
        ), (#"{"foo":["all","grass","cows","eat"]}"#, #"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#, #"{"foo":["all","cows","eat","grass"]}"#),
        (#"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":"/c"}]"#, #"{"a":{"b":1},"c":{"b":1}}"#),
        (#"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc"]}]"#, #"{"foo":["bar",["abc"]]}"#),
        (#"{"a/b":1,"m~n":2}"#, #"[{"op":"test","path":"/a~1b","value":1},{"op":"remove","path":"/m~0n"}]"#, #"{"a/b":1}"#),
        (#"{"foo":null}"#, #"[{"op":"add","path":"","value":{"x":1}}]"#, #"{"x":1}"#),
        (#"{"a":1}"#, #"[{"op":"add","path":"/b","value":null}]"#, #"{"a":1,"b":null}"#),
    ])
    func `JSON patches`(object: String, patch: String, result: String) throws {
        #expect(try JSONPatch.apply(json(patch), to: json(object)) == json(result))
    }

    @Test(arguments: [
        (#"[{"op":"test","path":"/a","value":2}]"#, 422), (#"[{"op":"remove","path":"/x"}]"#, 422), (#"[{"op":"replace","path":"/x","value":1}]"#, 422),
        (#"[{"op":"add","path":"/x/y","value":1}]"#, 422), (#"[{"op":"add","path":"/l/9","value":1}]"#, 422),
        (#"[{"op":"add","path":"/l/01","value":1}]"#, 422),
        (#"[{"op":"add","path":"a","value":1}]"#, 422), (#"[{"op":"add","path":"/a"}]"#, 400), (#"[{"op":"fly","path":"/a"}]"#, 400), (#"{"a":1}"#, 400),
        (#"[{"op":"move","from":"/o","path":"/o/x"}]"#, 422), (#"[{"op":"remove","path":""}]"#, 422),
    ])
    func `JSON patches that do not fit are refused`(patch: String, code: Int) throws {
        let error = try #require(throws: StatusError.self) { try JSONPatch.apply(json(patch), to: json(#"{"a":1,"l":[1],"o":{}}"#)) }
        #expect(error.code == code)
    }

    @Test(arguments: [
        // Maps merge, null deletes.
        (#"{"metadata":{"labels":{"a":"1","b":"2"}}}"#, #"{"metadata":{"labels":{"a":null,"c":"3"}}}"#, #"{"metadata":{"labels":{"b":"2","c":"3"}}}"#),
        // Keyed lists merge by key; new elements go to the end.
        (
            #"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}}"#,
            #"{"spec":{"containers":[{"name":"b","image":"2"},{"name":"c","image":"3"}]}}"#,
            #"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"},{"name":"c","image":"3"}]}}"#
        ),
        // Lists without a key are replaced.
        (#"{"spec":{"tolerations":[{"key":"a"}]}}"#, #"{"spec":{"tolerations":[{"key":"b"}]}}"#, #"{"spec":{"tolerations":[{"key":"b"}]}}"#),
        // Deep: env by name, ports by number.
        (
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"1"}]}]}}"#,
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"2"},{"name":"Y","$patch":"delete"}]}]}}"#,
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"2"}]}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#, #"{"spec":{"containers":[{"$patch":"replace"},{"name":"c"}]}}"#,
            #"{"spec":{"containers":[{"name":"c"}]}}"#
        ),
        (#"{"spec":{"nodeSelector":{"a":"1","b":"2"}}}"#, #"{"spec":{"nodeSelector":{"$patch":"replace","c":"3"}}}"#, #"{"spec":{"nodeSelector":{"c":"3"}}}"#),
        (#"{"spec":{"securityContext":{"runAsUser":1},"hostname":"x"}}"#, #"{"spec":{"securityContext":{"$patch":"delete"}}}"#, #"{"spec":{"hostname":"x"}}"#),
        // Sets of scalars.
        (#"{"metadata":{"finalizers":["a","b"]}}"#, #"{"metadata":{"finalizers":["b","c"]}}"#, #"{"metadata":{"finalizers":["a","b","c"]}}"#),
        (#"{"metadata":{"finalizers":["a","b"]}}"#, #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}"#, #"{"metadata":{"finalizers":["b"]}}"#),
        // Order, as kubectl apply sends it.
        (
            #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            #"{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"b"},{"name":"a"}],"containers":[{"name":"c","image":"3"}]}}"#,
            #"{"spec":{"containers":[{"name":"c","image":"3"},{"name":"b"},{"name":"a"}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#, #"{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}}"#,
            #"{"spec":{"containers":[{"name":"b"},{"name":"a"}]}}"#
        ),
        // Somebody else's sidecar keeps its place in front of what followed it.
        (
            #"{"spec":{"containers":[{"name":"a"},{"name":"sidecar"},{"name":"b"}]}}"#,
            #"{"spec":{"$setElementOrder/containers":[{"name":"a"},{"name":"b"}],"containers":[{"name":"b","image":"2"}]}}"#,
            #"{"spec":{"containers":[{"name":"a"},{"name":"sidecar"},{"name":"b","image":"2"}]}}"#
        ),
        // Volumes change their source whole.
        (
            #"{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}"#,
            #"{"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]}}"#,
            #"{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}}"#
        ),
        // Directives and nulls do not end up in new objects.
        (#"{"spec":{}}"#, #"{"spec":{"securityContext":{"runAsUser":1,"fsGroup":null}}}"#, #"{"spec":{"securityContext":{"runAsUser":1}}}"#),
    ])
    func `strategic merge patches of a pod`(object: String, patch: String, result: String) throws {
        #expect(try kind("Pod").strategicMerge(json(patch), into: json(object)) == json(result))
    }

    @Test func `strategic merge patches of other kinds`() throws {
        let deployment = try kind("Deployment", "apps/v1")
        #expect(
            try deployment.strategicMerge(
                json(#"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}"#),
                into: json(#"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}"#))
                == json(#"{"spec":{"strategy":{"type":"Recreate"}}}"#))
        #expect(
            try kind("Service").strategicMerge(
                json(#"{"spec":{"ports":[{"port":80,"targetPort":8080}]}}"#), into: json(#"{"spec":{"ports":[{"port":80,"name":"a"},{"port":443}]}}"#))
                == json(#"{"spec":{"ports":[{"port":80,"name":"a","targetPort":8080},{"port":443}]}}"#))
        #expect(
            try kind("Node").strategicMerge(
                json(#"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#),
                into: json(#"{"status":{"conditions":[{"type":"Ready","status":"False","reason":"x"},{"type":"DiskPressure","status":"False"}]}}"#))
                == json(#"{"status":{"conditions":[{"type":"Ready","status":"True","reason":"x"},{"type":"DiskPressure","status":"False"}]}}"#))
    }

    @Test func `a keyed element without its key is refused`() throws {
        let error = try #require(throws: StatusError.self) { try kind("Pod").strategicMerge(json(#"{"spec":{"containers":[{"image":"x"}]}}"#), into: webPod) }
        #expect(error.message.contains("does not contain declared merge key: name"))
        #expect(throws: StatusError.self) { try kind("Pod").strategicMerge([], into: webPod) }
        #expect(throws: StatusError.self) { try kind("Pod").strategicMerge(["spec": ["$patch": "explode"]], into: webPod) }
    }
}
