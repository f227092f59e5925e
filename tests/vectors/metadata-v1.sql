-- A metadata store as the first release of mlopsctl left it: what later ones must take over.
BEGIN TRANSACTION;
CREATE TABLE "Artifact" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	type_id INTEGER NOT NULL, 
	uri TEXT, 
	state INTEGER, 
	name VARCHAR(255), 
	external_id VARCHAR(255), 
	create_time_since_epoch INTEGER DEFAULT '0' NOT NULL, 
	last_update_time_since_epoch INTEGER DEFAULT '0' NOT NULL, 
	UNIQUE (type_id, name), 
	UNIQUE (external_id)
);
INSERT INTO "Artifact" VALUES(1,15,'file:///store/sha256:c590b3c924c35c2f241746522284e4709df490d73a38aaa7d6de4ed1eac2f546',2,'sha256:c590b3c924c35c2f241746522284e4709df490d73a38aaa7d6de4ed1eac2f546',NULL,1700000002000,1700000002000);
INSERT INTO "Artifact" VALUES(2,17,'file:///store/sha256:e9ed69a6ea08507ea7f2d93985c23588cc4c5bd46b0f9997f1193238542ca395',2,'sha256:e9ed69a6ea08507ea7f2d93985c23588cc4c5bd46b0f9997f1193238542ca395',NULL,1700000002000,1700000002000);
INSERT INTO "Artifact" VALUES(3,16,'file:///store/sha256:d251b248ca935f4a63766d9490857d8fdcbb043af70b7303d91bd13ee332e4ba',2,'sha256:d251b248ca935f4a63766d9490857d8fdcbb043af70b7303d91bd13ee332e4ba',NULL,1700000002000,1700000002000);
CREATE TABLE "ArtifactProperty" (
	artifact_id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	is_custom_property SMALLINT NOT NULL, 
	int_value INTEGER, 
	double_value DOUBLE, 
	string_value TEXT, 
	byte_value BLOB, 
	proto_value BLOB, 
	bool_value BOOLEAN, 
	PRIMARY KEY (artifact_id, name, is_custom_property)
);
CREATE TABLE "Association" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	context_id INTEGER NOT NULL, 
	execution_id INTEGER NOT NULL, 
	UNIQUE (context_id, execution_id)
);
INSERT INTO "Association" VALUES(1,4,1);
INSERT INTO "Association" VALUES(2,2,1);
CREATE TABLE "Attribution" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	context_id INTEGER NOT NULL, 
	artifact_id INTEGER NOT NULL, 
	UNIQUE (context_id, artifact_id)
);
INSERT INTO "Attribution" VALUES(1,4,3);
INSERT INTO "Attribution" VALUES(2,2,3);
CREATE TABLE "Context" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	type_id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	external_id VARCHAR(255), 
	create_time_since_epoch INTEGER DEFAULT '0' NOT NULL, 
	last_update_time_since_epoch INTEGER DEFAULT '0' NOT NULL, 
	UNIQUE (type_id, name), 
	UNIQUE (external_id)
);
INSERT INTO "Context" VALUES(1,12,'penguins',NULL,1700000000000,1700000000000);
INSERT INTO "Context" VALUES(2,10,'penguins/default',NULL,1700000000000,1700000000000);
INSERT INTO "Context" VALUES(3,11,'penguins/sha256:23bf0d244a4cb62c85fc3aa0e8ebf8eb7eb970522a51326adf1ac015fc738c7c',NULL,1700000000000,1700000000000);
INSERT INTO "Context" VALUES(4,13,'run-1',NULL,1700000000000,1700000009000);
CREATE TABLE "ContextProperty" (
	context_id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	is_custom_property SMALLINT NOT NULL, 
	int_value INTEGER, 
	double_value DOUBLE, 
	string_value TEXT, 
	byte_value BLOB, 
	proto_value BLOB, 
	bool_value BOOLEAN, 
	PRIMARY KEY (context_id, name, is_custom_property)
);
INSERT INTO "ContextProperty" VALUES(2,'project',0,NULL,NULL,'penguins',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(2,'environment',0,NULL,NULL,'default',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(3,'project',0,NULL,NULL,'penguins',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(3,'pipeline_digest',0,NULL,NULL,'sha256:23bf0d244a4cb62c85fc3aa0e8ebf8eb7eb970522a51326adf1ac015fc738c7c',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'project',0,NULL,NULL,'penguins',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'environment',0,NULL,NULL,'default',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'pipeline_digest',0,NULL,NULL,'sha256:23bf0d244a4cb62c85fc3aa0e8ebf8eb7eb970522a51326adf1ac015fc738c7c',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'plan_digest',0,NULL,NULL,'sha256:64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'git_commit',0,NULL,NULL,'0123abc',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'git_branch',0,NULL,NULL,'main',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'git_dirty',0,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'tool_version',0,NULL,NULL,'0.1.0',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'parameters',0,NULL,NULL,'{"name":"\u00e4","none":null,"on":true,"rate":0.5,"seed":0}',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'state',0,NULL,NULL,'success',NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'exit_code',0,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ContextProperty" VALUES(4,'finished',0,1700000009000,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE "Event" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	artifact_id INTEGER NOT NULL, 
	execution_id INTEGER NOT NULL, 
	type INTEGER NOT NULL, 
	milliseconds_since_epoch INTEGER, 
	UNIQUE (artifact_id, execution_id, type)
);
INSERT INTO "Event" VALUES(1,1,1,3,1700000002000);
INSERT INTO "Event" VALUES(2,2,1,3,1700000002000);
INSERT INTO "Event" VALUES(3,3,1,4,1700000002000);
CREATE TABLE "EventPath" (
	event_id INTEGER NOT NULL, 
	is_index_step SMALLINT NOT NULL, 
	step_index INTEGER, 
	step_key TEXT
);
INSERT INTO "EventPath" VALUES(1,0,NULL,'examples');
INSERT INTO "EventPath" VALUES(2,0,NULL,'transform_graph');
INSERT INTO "EventPath" VALUES(3,0,NULL,'model');
CREATE TABLE "Execution" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	type_id INTEGER NOT NULL, 
	last_known_state INTEGER, 
	name VARCHAR(255), 
	external_id VARCHAR(255), 
	create_time_since_epoch INTEGER DEFAULT '0' NOT NULL, 
	last_update_time_since_epoch INTEGER DEFAULT '0' NOT NULL, 
	UNIQUE (type_id, name), 
	UNIQUE (external_id)
);
INSERT INTO "Execution" VALUES(1,14,3,'run-1/train-forest/1',NULL,1700000001000,1700000002000);
CREATE TABLE "ExecutionProperty" (
	execution_id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	is_custom_property SMALLINT NOT NULL, 
	int_value INTEGER, 
	double_value DOUBLE, 
	string_value TEXT, 
	byte_value BLOB, 
	proto_value BLOB, 
	bool_value BOOLEAN, 
	PRIMARY KEY (execution_id, name, is_custom_property)
);
INSERT INTO "ExecutionProperty" VALUES(1,'run',0,NULL,NULL,'run-1',NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'step',0,NULL,NULL,'train-forest',NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'attempt',0,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'state',0,NULL,NULL,'success',NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'key',0,NULL,NULL,'sha256:4d190d58c1a40eb78e10d84c5162611f70d5b34a90d9033339023f0728d6eb5f',NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'material',0,NULL,NULL,'sha256:5560b3cc1b8cffc6ce89663b0fc1029965c2df50f639f630e80b6201c8f249a2',NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'state_inputs',0,NULL,NULL,'{"champion":"sha256:d14a7310bdf55b8ffeb7b8462d1f1e3bc6c79a7d80a90e70eae4ef36f223847f"}',NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'notes',0,NULL,NULL,'{"accuracy":0.9706,"rows":333}',NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'line',0,NULL,NULL,'accuracy 0.9706',NULL,NULL,NULL);
INSERT INTO "ExecutionProperty" VALUES(1,'log',0,NULL,NULL,'.mlops/runs/run-1/train-forest.1.log',NULL,NULL,NULL);
CREATE TABLE "MLMDEnv" (
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (schema_version)
);
INSERT INTO "MLMDEnv" VALUES(10);
CREATE TABLE "ParentContext" (
	context_id INTEGER NOT NULL, 
	parent_context_id INTEGER NOT NULL, 
	PRIMARY KEY (context_id, parent_context_id)
);
INSERT INTO "ParentContext" VALUES(2,1);
INSERT INTO "ParentContext" VALUES(3,1);
INSERT INTO "ParentContext" VALUES(4,2);
INSERT INTO "ParentContext" VALUES(4,3);
CREATE TABLE "ParentType" (
	type_id INTEGER NOT NULL, 
	parent_type_id INTEGER NOT NULL, 
	PRIMARY KEY (type_id, parent_type_id)
);
INSERT INTO "ParentType" VALUES(14,5);
INSERT INTO "ParentType" VALUES(15,1);
INSERT INTO "ParentType" VALUES(16,2);
CREATE TABLE "Type" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(255) NOT NULL, 
	version VARCHAR(255), 
	type_kind INTEGER NOT NULL, 
	description TEXT, 
	input_type TEXT, 
	output_type TEXT, 
	external_id VARCHAR(255), 
	UNIQUE (external_id)
);
INSERT INTO "Type" VALUES(1,'mlmd.Dataset',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(2,'mlmd.Model',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(3,'mlmd.Metrics',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(4,'mlmd.Statistics',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(5,'mlmd.Train',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(6,'mlmd.Transform',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(7,'mlmd.Process',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(8,'mlmd.Evaluate',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(9,'mlmd.Deploy',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(10,'Environment',NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(11,'Pipeline',NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(12,'Project',NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(13,'Run',NULL,2,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(14,'train',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(15,'Examples',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(16,'Model',NULL,1,NULL,NULL,NULL,NULL);
INSERT INTO "Type" VALUES(17,'TransformGraph',NULL,1,NULL,NULL,NULL,NULL);
CREATE TABLE "TypeProperty" (
	type_id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	data_type INTEGER, 
	PRIMARY KEY (type_id, name)
);
INSERT INTO "TypeProperty" VALUES(10,'project',3);
INSERT INTO "TypeProperty" VALUES(10,'environment',3);
INSERT INTO "TypeProperty" VALUES(11,'project',3);
INSERT INTO "TypeProperty" VALUES(11,'pipeline_digest',3);
INSERT INTO "TypeProperty" VALUES(13,'project',3);
INSERT INTO "TypeProperty" VALUES(13,'environment',3);
INSERT INTO "TypeProperty" VALUES(13,'pipeline_digest',3);
INSERT INTO "TypeProperty" VALUES(13,'plan_digest',3);
INSERT INTO "TypeProperty" VALUES(13,'git_commit',3);
INSERT INTO "TypeProperty" VALUES(13,'git_branch',3);
INSERT INTO "TypeProperty" VALUES(13,'tool_version',3);
INSERT INTO "TypeProperty" VALUES(13,'parameters',3);
INSERT INTO "TypeProperty" VALUES(13,'state',3);
INSERT INTO "TypeProperty" VALUES(13,'git_dirty',1);
INSERT INTO "TypeProperty" VALUES(13,'finished',1);
INSERT INTO "TypeProperty" VALUES(13,'exit_code',1);
INSERT INTO "TypeProperty" VALUES(14,'run',3);
INSERT INTO "TypeProperty" VALUES(14,'step',3);
INSERT INTO "TypeProperty" VALUES(14,'state',3);
INSERT INTO "TypeProperty" VALUES(14,'key',3);
INSERT INTO "TypeProperty" VALUES(14,'material',3);
INSERT INTO "TypeProperty" VALUES(14,'state_inputs',3);
INSERT INTO "TypeProperty" VALUES(14,'notes',3);
INSERT INTO "TypeProperty" VALUES(14,'line',3);
INSERT INTO "TypeProperty" VALUES(14,'problem',3);
INSERT INTO "TypeProperty" VALUES(14,'hint',3);
INSERT INTO "TypeProperty" VALUES(14,'log',3);
INSERT INTO "TypeProperty" VALUES(14,'attempt',1);
CREATE TABLE mlopsctl_about (
	name VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "mlopsctl_about" VALUES('version','1');
INSERT INTO "mlopsctl_about" VALUES('lineage','11111111-2222-3333-4444-555555555555');
CREATE TABLE mlopsctl_document (
	digest VARCHAR(71) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "mlopsctl_document" VALUES('sha256:5560b3cc1b8cffc6ce89663b0fc1029965c2df50f639f630e80b6201c8f249a2','{"component":"train","inputs":["a","b"],"parameters":{"n":100}}');
CREATE TABLE mlopsctl_environment (
	project VARCHAR(255) NOT NULL, 
	environment VARCHAR(255) NOT NULL, 
	serial INTEGER NOT NULL, 
	token INTEGER NOT NULL, 
	holder TEXT NOT NULL, 
	gates TEXT NOT NULL, 
	hold TEXT NOT NULL, 
	PRIMARY KEY (project, environment)
);
INSERT INTO "mlopsctl_environment" VALUES('penguins','prod',3,1,'{}','null','bad');
CREATE TABLE mlopsctl_intent (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	project VARCHAR(255) NOT NULL, 
	environment VARCHAR(255) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	kind VARCHAR(255) NOT NULL, 
	payload TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	done BOOLEAN NOT NULL, 
	UNIQUE (project, environment, "key")
);
INSERT INTO "mlopsctl_intent" VALUES(1,'penguins','prod','k','release','{"a":1}','null',0);
CREATE TABLE mlopsctl_latest_step (
	project VARCHAR(255) NOT NULL, 
	environment VARCHAR(255) NOT NULL, 
	step VARCHAR(255) NOT NULL, 
	execution_id INTEGER NOT NULL, 
	PRIMARY KEY (project, environment, step)
);
INSERT INTO "mlopsctl_latest_step" VALUES('penguins','default','train-forest',1);
CREATE TABLE mlopsctl_release (
	project VARCHAR(255) NOT NULL, 
	environment VARCHAR(255) NOT NULL, 
	number INTEGER NOT NULL, 
	left_at INTEGER, 
	withdrawn BOOLEAN NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (project, environment, number)
);
INSERT INTO "mlopsctl_release" VALUES('penguins','prod',1,NULL,0,'{"blessing":"sha256:f52d92e06e500edc3796d27a14620efb67566ba065995c1687a29262dd831a9d","evaluation":"sha256:0e058434df3f535ddc11a188e7366d547afe1456475acd32fb5271b016e36b25","gates":[{"name":"accuracy","verdict":"pass"}],"model":"sha256:cd36b49d7b2a8b5e4e13663cb54c5e1338c17b7d3af1c506fb3842bd08291822","number":1,"overrides":{"accuracy":"known"},"registry_name":"penguins-default","registry_version":"1","released":1700000000001,"run":"run-1","withdrawn":false}');
INSERT INTO "mlopsctl_release" VALUES('penguins','prod',2,3,1,'{"blessing":"sha256:be7b2e531e94bb26497e8bd665902dfc7ea3f5a5d1d051fcc722a3000676a258","evaluation":"sha256:0f682eadfe5762975b1f61c504c51928f62e4e0df2962ce088986b9851156670","gates":[{"name":"accuracy","verdict":"pass"}],"model":"sha256:97e2521720cb4b3821c7ed9df7dbca7a63e04b42ba05ffe3e15dc992f227ae36","number":2,"overrides":{"accuracy":"known"},"registry_name":"penguins-default","registry_version":"2","released":1700000000002,"run":"run-2","withdrawn":false}');
CREATE TABLE mlopsctl_step_cache (
	"key" VARCHAR(255) NOT NULL, 
	execution_id INTEGER NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "mlopsctl_step_cache" VALUES('sha256:4d190d58c1a40eb78e10d84c5162611f70d5b34a90d9033339023f0728d6eb5f',1);
CREATE INDEX idx_type_name ON "Type" (name);
CREATE INDEX idx_type_external_id ON "Type" (external_id);
CREATE INDEX idx_artifact_create_time_since_epoch ON "Artifact" (create_time_since_epoch);
CREATE INDEX idx_artifact_uri ON "Artifact" (uri);
CREATE INDEX idx_artifact_external_id ON "Artifact" (external_id);
CREATE INDEX idx_artifact_last_update_time_since_epoch ON "Artifact" (last_update_time_since_epoch);
CREATE INDEX idx_execution_external_id ON "Execution" (external_id);
CREATE INDEX idx_execution_last_update_time_since_epoch ON "Execution" (last_update_time_since_epoch);
CREATE INDEX idx_execution_create_time_since_epoch ON "Execution" (create_time_since_epoch);
CREATE INDEX idx_context_create_time_since_epoch ON "Context" (create_time_since_epoch);
CREATE INDEX idx_context_last_update_time_since_epoch ON "Context" (last_update_time_since_epoch);
CREATE INDEX idx_context_external_id ON "Context" (external_id);
CREATE INDEX idx_artifact_property_int ON "ArtifactProperty" (name, is_custom_property, int_value) WHERE int_value IS NOT NULL;
CREATE INDEX idx_artifact_property_string ON "ArtifactProperty" (name, is_custom_property, string_value) WHERE string_value IS NOT NULL;
CREATE INDEX idx_artifact_property_double ON "ArtifactProperty" (name, is_custom_property, double_value) WHERE double_value IS NOT NULL;
CREATE INDEX idx_execution_property_int ON "ExecutionProperty" (name, is_custom_property, int_value) WHERE int_value IS NOT NULL;
CREATE INDEX idx_execution_property_string ON "ExecutionProperty" (name, is_custom_property, string_value) WHERE string_value IS NOT NULL;
CREATE INDEX idx_execution_property_double ON "ExecutionProperty" (name, is_custom_property, double_value) WHERE double_value IS NOT NULL;
CREATE INDEX idx_context_property_int ON "ContextProperty" (name, is_custom_property, int_value) WHERE int_value IS NOT NULL;
CREATE INDEX idx_context_property_double ON "ContextProperty" (name, is_custom_property, double_value) WHERE double_value IS NOT NULL;
CREATE INDEX idx_context_property_string ON "ContextProperty" (name, is_custom_property, string_value) WHERE string_value IS NOT NULL;
CREATE INDEX idx_event_execution_id ON "Event" (execution_id);
CREATE INDEX idx_eventpath_event_id ON "EventPath" (event_id);
CREATE INDEX idx_parentcontext_parent_context_id ON "ParentContext" (parent_context_id);
CREATE INDEX idx_mlopsctl_intent_open ON mlopsctl_intent (project, environment, done);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('Type',17);
INSERT INTO "sqlite_sequence" VALUES('Context',4);
INSERT INTO "sqlite_sequence" VALUES('Execution',1);
INSERT INTO "sqlite_sequence" VALUES('Artifact',3);
INSERT INTO "sqlite_sequence" VALUES('Event',3);
INSERT INTO "sqlite_sequence" VALUES('Association',2);
INSERT INTO "sqlite_sequence" VALUES('Attribution',2);
INSERT INTO "sqlite_sequence" VALUES('mlopsctl_intent',1);
COMMIT;
