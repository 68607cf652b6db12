/*
 * purple.c: a person with libpurple, the library of Pidgin and Finch, which
 * speaks BOSH with code of its own: written in C, long before culvert, with
 * pipelined requests on few connections.
 *
 *	purple DIRECTORY BOSH_URL JID PASSWORD
 *
 * Lines on stdin are orders, lines on stdout are what happened; blanks
 * separate, and a text is the rest of its line.
 *
 *	say TO TEXT		a chat message
 *	leave			logs out; the program ends
 *
 *	online			logged in, and present
 *	heard FROM TEXT		a chat message, FROM with its resource if it had one
 *	failed TEXT		the connection ended; so does the program, with 1
 *
 * DIRECTORY is where libpurple keeps its things.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <purple.h>

#define UI "culvert-e2e"

static GMainLoop *loop;
static PurpleAccount *account;
static gboolean is_leaving;
static int status = EXIT_FAILURE;

/* libpurple asks for its timers and its watches; GLib has both, under slightly other names. */

struct watch {
	PurpleInputFunction act;
	gpointer data;
};

static gboolean
watch_ready(GIOChannel *channel, GIOCondition condition, gpointer data)
{
	struct watch *watch = data;
	int which = 0;

	if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
		which |= PURPLE_INPUT_READ;
	if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
		which |= PURPLE_INPUT_WRITE;
	watch->act(watch->data, g_io_channel_unix_get_fd(channel), (PurpleInputCondition) which);
	return TRUE;
}

static guint
watch_add(gint fd, PurpleInputCondition wanted, PurpleInputFunction act, gpointer data)
{
	struct watch *watch = g_new0(struct watch, 1);
	GIOChannel *channel = g_io_channel_unix_new(fd);
	int condition = 0;
	guint id;

	watch->act = act;
	watch->data = data;
	if (wanted & PURPLE_INPUT_READ)
		condition |= G_IO_IN | G_IO_HUP | G_IO_ERR;
	if (wanted & PURPLE_INPUT_WRITE)
		condition |= G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL;
	id = g_io_add_watch_full(channel, G_PRIORITY_DEFAULT, (GIOCondition) condition, watch_ready, watch, g_free);
	g_io_channel_unref(channel);
	return id;
}

static PurpleEventLoopUiOps loop_ops = {
	.timeout_add = g_timeout_add,
	.timeout_remove = g_source_remove,
	.input_add = watch_add,
	.input_remove = g_source_remove,
	.timeout_add_seconds = g_timeout_add_seconds,
};

/* What happened. */

static void
signed_on(PurpleConnection *connection, gpointer data)
{
	(void) connection;
	(void) data;
	puts("online");
}

static void
signed_off(PurpleConnection *connection, gpointer data)
{
	(void) connection;
	(void) data;
	if (is_leaving) {
		status = EXIT_SUCCESS;
		g_main_loop_quit(loop);
	}
}

static void
failed(PurpleConnection *connection, PurpleConnectionError error, const char *text, gpointer data)
{
	(void) connection;
	(void) error;
	(void) data;
	printf("failed %s\n", text);
	g_main_loop_quit(loop);
}

/* The message comes as HTML. */
static void
heard(PurpleAccount *a, char *from, char *message, PurpleConversation *conversation, PurpleMessageFlags flags,
	gpointer data)
{
	char *text = purple_unescape_html(message);

	(void) a;
	(void) conversation;
	(void) flags;
	(void) data;
	printf("heard %s %s\n", from, text);
	g_free(text);
}

static void
connect_signals(void)
{
	static int handle;
	void *connections = purple_connections_get_handle();

	purple_signal_connect(connections, "signed-on", &handle, PURPLE_CALLBACK(signed_on), NULL);
	purple_signal_connect(connections, "signed-off", &handle, PURPLE_CALLBACK(signed_off), NULL);
	purple_signal_connect(connections, "connection-error", &handle, PURPLE_CALLBACK(failed), NULL);
	purple_signal_connect(
		purple_conversations_get_handle(), "received-im-msg", &handle, PURPLE_CALLBACK(heard), NULL);
}

/* What is to be done. */

static void
say(const char *to, const char *text)
{
	PurpleConversation *conversation = purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, to, account);
	char *html = g_markup_escape_text(text, -1);

	if (conversation == NULL)
		conversation = purple_conversation_new(PURPLE_CONV_TYPE_IM, account, to);
	purple_conv_im_send(PURPLE_CONV_IM(conversation), html);
	g_free(html);
}

static gboolean
obey(GIOChannel *channel, GIOCondition condition, gpointer data)
{
	char *line = NULL;
	gsize end = 0;
	char **word;

	(void) condition;
	(void) data;
	if (g_io_channel_read_line(channel, &line, NULL, &end, NULL) != G_IO_STATUS_NORMAL) {
		g_main_loop_quit(loop);
		return FALSE;
	}
	line[end] = '\0';
	word = g_strsplit(line, " ", 3);
	if (g_strcmp0(word[0], "say") == 0 && g_strv_length(word) == 3) {
		say(word[1], word[2]);
	} else if (g_strcmp0(word[0], "leave") == 0) {
		is_leaving = TRUE;
		purple_account_disconnect(account);
	} else {
		printf("failed no such order: %s\n", line);
		g_main_loop_quit(loop);
	}
	g_strfreev(word);
	g_free(line);
	return TRUE;
}

static void
log_in(const char *bosh_url, const char *jid, const char *password)
{
	account = purple_account_new(jid, "prpl-jabber");
	purple_accounts_add(account);
	purple_account_set_password(account, password);
	purple_account_set_string(account, "bosh_url", bosh_url);
	/* http:, so no TLS can be had; "require_tls" would end the attempt. */
	purple_account_set_string(account, "connection_security", "opportunistic_tls");
	/* With this it does not ask the DNS of the domain for a STUN server. */
	purple_network_set_stun_server("127.0.0.1");
	purple_account_set_enabled(account, UI, TRUE);
	purple_savedstatus_activate(purple_savedstatus_new(NULL, PURPLE_STATUS_AVAILABLE));
}

int
main(int argc, char **argv)
{
	GIOChannel *orders;

	if (argc != 5) {
		fputs("purple DIRECTORY BOSH_URL JID PASSWORD\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	loop = g_main_loop_new(NULL, FALSE);
	purple_util_set_user_dir(argv[1]);
	purple_debug_set_enabled(getenv("E2E_DEBUG") != NULL);
	purple_eventloop_set_ui_ops(&loop_ops);
	if (!purple_core_init(UI)) {
		puts("failed libpurple does not start");
		return EXIT_FAILURE;
	}
	purple_set_blist(purple_blist_new());
	connect_signals();
	log_in(argv[2], argv[3], argv[4]);
	orders = g_io_channel_unix_new(STDIN_FILENO);
	g_io_add_watch(orders, G_IO_IN | G_IO_HUP, obey, NULL);
	g_main_loop_run(loop);
	purple_core_quit();
	return status;
}
